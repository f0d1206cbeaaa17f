"""A utility's own data: premises, networks and streets from GeoPackage, Shapefile, GeoJSON, CSV or OpenStreetMap.

`python3 -m app import SOURCE --branch CODE [--mapping FILE] [--dry-run] [--report FILE]`. SOURCE is a file or a folder
of files. Everything is checked row by row; one refused row and nothing at all is kept, so that a second try after
mending the file does not meet half of the first.

Convention, used where no mapping says otherwise: a layer (or file) named after what it holds, with these columns
(*required*) and a geometry in any coordinate reference system that the file names:

| layer | geometry | columns |
|---|---|---|
| `boundary` | polygon | – ; the area of a new branch; without it, wherever its rows lie |
| `network_nodes` | point | *code*, *kind*, *commodity* (power, gas), name, feeder, ownership |
| `network_links` | line | *code*, *kind*, *commodity*, *from_node*, *to_node* (codes), name, feeder, normal_state … |
| `premises` | point | *code*, *address*, address_en, area_kind, service_node, riser_node (codes) |
| `streets` | line | name, street_class, speed_kmh, oneway; streets meet where their ends do |

An extract of OpenStreetMap (.osm.pbf, .osm) holds streets: they are cut where they meet, those outside the branch's
area are left out, the report says how many speeds come from a limit and how many are assumed by kind of road, and the
branch's maps name OpenStreetMap from then on.

A CSV has its place in the columns lon and lat (or x and y), or as text in a column wkt. A mapping (TOML or JSON) names
files, layers, columns, values and a CRS that a file does not; see `mapping`. A code that is there already is refused:
an import adds, it does not update.
"""
