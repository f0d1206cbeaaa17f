/// <reference types="vite/client" />

/** Set by the build; what the centre sees of this tablet's program. */
declare const __APP_VERSION__: string
