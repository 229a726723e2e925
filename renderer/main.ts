import { mount } from 'svelte';
import { connect } from '#renderer/client/index.ts';
import App from '#renderer/app/App.svelte';
import '#renderer/app/base.css';

const target = document.getElementById('app');
if (target === null) throw new Error('the page has no element #app');
mount(App, { target, props: { client: connect() } });
