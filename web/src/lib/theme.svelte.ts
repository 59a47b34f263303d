/** Light or dark: as the system says until the reader says otherwise, then as the reader said. */
import { recall, remember } from './remember';

const system = matchMedia('(prefers-color-scheme: dark)');

class Theme {
  chosen = $state<string | null>(recall('theme'));
  private systemDark = $state(system.matches);
  dark = $derived(this.chosen ? this.chosen === 'dark' : this.systemDark);

  constructor() {
    system.addEventListener('change', (change) => (this.systemDark = change.matches));
  }

  toggle(): void {
    const next = this.dark ? 'light' : 'dark';
    this.chosen = next === (this.systemDark ? 'dark' : 'light') ? null : next;
    remember('theme', this.chosen);
  }
}

export const theme = new Theme();

/** The colours of the sheet, for those who draw on a canvas. */
export function ink(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
