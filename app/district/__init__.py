"""The invented Longheng district (龙衡区): a whole utility made from one seed number, and its fast loader.

Everything here is synthetic and says so. `generate.district(size, seed, anchor)` is a pure function: the same
arguments give the same bytes. `load.load_district` copies the result into an empty database in one transaction.

The layers, each made from the ones before it: `terrain` (bay, river, hills) → `blocks` (land cut into
sub-districts, communities, blocks, estate cells; every cut is a street) → `streets` (the routable graph) →
`places` → `buildings` (units of flats) → `power`, `gas` (trees along streets) → `people`, `clients`, `work`,
`history`. `rows` turns them into table rows, `copying` sends them.
"""
