/** Where the reader is: /, /alerts/ID, /map, /signal/NAME/AREA, /outlook, /sources, with the rest in the query. */

export type Page = 'today' | 'map' | 'signal' | 'outlook' | 'sources' | 'missing';

function pageOf(parts: string[]): Page {
  if (parts.length === 0) return 'today';
  if (parts[0] === 'alerts' && parts.length === 2) return 'today';
  if (parts[0] === 'map' && parts.length === 1) return 'map';
  if (parts[0] === 'signal' && parts.length <= 3) return 'signal';
  if (parts[0] === 'outlook' && parts.length === 1) return 'outlook';
  if (parts[0] === 'sources' && parts.length === 1) return 'sources';
  return 'missing';
}

class Route {
  path = $state(location.pathname);
  query = $state(location.search);
  parts = $derived(this.path.split('/').filter(Boolean).map(decodeURIComponent));
  page = $derived(pageOf(this.parts));
  words = $derived(new URLSearchParams(this.query));

  constructor() {
    addEventListener('popstate', () => this.read());
  }

  private read(): void {
    this.path = location.pathname;
    this.query = location.search;
  }

  go(to: string, replace = false): void {
    if (to === location.pathname + location.search) return;
    if (replace) history.replaceState(null, '', to);
    else history.pushState(null, '', to);
    this.read();
    if (!replace && !to.startsWith('/alerts/')) scrollTo(0, 0);
  }

  /** Change some words of the query in place; null takes a word away. */
  put(changes: Record<string, string | null>): void {
    const words = new URLSearchParams(location.search);
    for (const [key, value] of Object.entries(changes)) {
      if (value === null) words.delete(key);
      else words.set(key, value);
    }
    const text = words.toString();
    this.go(location.pathname + (text ? `?${text}` : ''), true);
  }
}

export const route = new Route();

/** Follow a plain click on a link inside the page without loading it anew; leave the rest to the browser. */
export function follow(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = (event.target as Element).closest?.('a[href]');
  if (!link || link.hasAttribute('download') || link.getAttribute('target')) return;
  const url = new URL((link as HTMLAnchorElement).href);
  if (url.origin !== location.origin || url.pathname.startsWith('/api/')) return;
  event.preventDefault();
  route.go(url.pathname + url.search);
}

export const to = {
  today: () => '/',
  alert: (id: string) => `/alerts/${encodeURIComponent(id)}`,
  map: (query: Record<string, string> = {}) => `/map${Object.keys(query).length ? `?${new URLSearchParams(query)}` : ''}`,
  signal: (signal: string, area: string, query: Record<string, string> = {}) =>
    `/signal/${encodeURIComponent(signal)}/${encodeURIComponent(area)}${Object.keys(query).length ? `?${new URLSearchParams(query)}` : ''}`,
  outlook: () => '/outlook',
  sources: () => '/sources',
};
