import './design/base.css';
import { mount } from 'svelte';
import { watchStyles } from '$lib/styles';
import App from './App.svelte';

watchStyles();
mount(App, { target: document.getElementById('app')! });
