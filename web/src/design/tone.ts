/** What a colour may say. Green is for what was proved by a restore, and for nothing else. */
export type Tone = 'plain' | 'proved' | 'complete' | 'attention' | 'failed' | 'running';
