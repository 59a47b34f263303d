import { mount } from 'svelte';
import App from './App.svelte';
import { token } from './lib/token.svelte';
import './sheet.css';

token.fromAddress();
mount(App, { target: document.getElementById('page')! });
