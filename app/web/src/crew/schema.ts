/** The shape of `fields` and `doc` that this app writes and reads (SPEC W8). */
export const SCHEMA_VERSION = 1
