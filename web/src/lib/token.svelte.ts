/** The access token: taken from `#token=` once, kept by this browser, asked for when the server refuses. */
import { recall, remember } from './remember';

class Token {
  value = $state<string | null>(recall('token'));
  asked = $state(false); // the question is on the screen
  wrong = $state(false); // the token we have was refused

  /** Take `#token=…` out of the address bar, so that it is neither bookmarked nor sent on with a link. */
  fromAddress(): void {
    const found = new URLSearchParams(location.hash.slice(1)).get('token');
    if (!found) return;
    this.set(found);
    history.replaceState(history.state, '', location.pathname + location.search);
  }

  set(value: string | null): void {
    this.value = value || null;
    remember('token', this.value);
    this.asked = false;
    this.wrong = false;
  }

  refused(): void {
    this.wrong = this.value !== null;
    this.asked = true;
  }
}

export const token = new Token();
