"""The screens: TypeScript sources, the builder that turns them into files, and the routes that serve those."""
