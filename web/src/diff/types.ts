import type { components } from '$lib/schema';

type Schemas = components['schemas'];

export type Diff = Schemas['Diff'];
export type DiffTable = Schemas['DiffTable'];
export type Difference = Schemas['Difference'];
export type DiffMember = Schemas['DiffMember'];
export type Definition = Schemas['Definition'];
export type DiffPoint = Schemas['DiffPoint'];
