/** Short names for what the API gives. */
import type { components } from './schema';

export type Schemas = components['schemas'];
export type Overview = Schemas['Overview'];
export type StackOverview = Schemas['StackOverview'];
export type Attention = Schemas['Attention'];
export type Stack = Schemas['Stack'];
export type Plan = Schemas['Plan'];
export type Run = Schemas['Run'];
export type RunDetail = Schemas['RunDetail'];
export type RunEvent = Schemas['Event'];
export type Schedule = Schemas['Schedule'];
export type ScheduleInput = Schemas['ScheduleInput'];
export type Policy = Schemas['Policy'];
export type Summary = Schemas['Summary'];
export type Snapshot = Schemas['Snapshot'];
export type Proof = Schemas['Proof'];
export type Repository = Schemas['Repository'];
export type StoreReport = Schemas['StoreReport'];
