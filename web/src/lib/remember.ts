/** What this browser remembers; a browser that refuses to remember is not an error. */
export function recall(key: string): string | null {
  try {
    return localStorage.getItem(`tocsin.${key}`);
  } catch {
    return null;
  }
}

export function remember(key: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(`tocsin.${key}`);
    else localStorage.setItem(`tocsin.${key}`, value);
  } catch {
    // private window: it holds until the page is closed
  }
}
