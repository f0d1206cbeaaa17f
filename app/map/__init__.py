"""The map: vector tiles and live features, made in SQL, scoped by the reader's branches.

`GET /api/v1/tiles/{layer}/{z}/{x}/{y}.mvt` (z 0…18, gzip, ETag, private). Whoever works in the branch may see the
ground; the live layers are for those who may see all its jobs: a crew knows its own from its tablet. A tile of a layer
holds one or two MVT layers (`source-layer` in MapLibre). Feature ids are numbers below 2^48 (the last 12 hexadecimal
digits of the record's id; a street's own number), good for feature state; the property `id` is the record's id as text.
Properties that are null are absent. Lines and areas are simplified and thinned out by zoom; where a cap is reached the
most important come first.

| layer    | source-layer   | shape  | from | properties                                                               |
|----------|----------------|--------|------|--------------------------------------------------------------------------|
| places   | `places`       | areas  | 0    | id, kind (PlaceKind), name_zh, name_en                                   |
|          | `place_labels` | points | 8    | id, kind, name_zh, name_en: one a place, inside it                       |
| streets  | `streets`      | lines  | 0    | id, class (StreetClass), name, oneway; trunk 0, primary 8, secondary 11, |
|          |                |        |      | residential 13, lane 14                                                  |
| power    | `power_lines`  | lines  | 8    | id, kind (LinkKind), code, state, normal_state, feeder, ownership        |
|          | `power_points` | points | 8    | id, kind (NodeKind or switchgear's LinkKind), code, name, state,         |
|          |                |        |      | normal_state, usable, feeder, angle (degrees, of switchgear)             |
| gas      | `gas_lines`    | lines  | 8    | as power_lines                                                           |
|          | `gas_points`   | points | 8    | as power_points; valves are switchgear                                   |
| premises | `premises`     | points | 15   | id, area_kind, address (from 16)                                         |
| jobs     | `jobs`         | points | 0    | id, number, kind, state, priority, crew_id, due_at                       |
| crews    | `crews`        | points | 0    | id, code, name_zh, name_en, kind, state (free, busy, off), job_id, at    |
| outages  | `outages`      | points | 0    | id, number, commodity, state, calls, opened_at                           |

10 kV lines from 8, low-voltage lines and service pipes from 14; substations and gate stations from 8, switchgear and
regulators from 11, transformers from 12, service points and risers from 15; plain junctions never.

`GET /api/v1/map/features?layers=jobs,crews,outages` gives the live layers whole, as one GeoJSON FeatureCollection; each
feature has the same numeric `id` and the same properties plus `layer`. Jobs and outages: the open ones.
"""
