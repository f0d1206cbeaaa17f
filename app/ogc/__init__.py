"""OGC API - Features for other people's GIS programs (OGC 17-069r4 Part 1, 18-058r1 Part 2): reads, and those only.

    items(uow, collection, args) -> Found          feature(uow, collection, id, crs) -> (GeoJSON text, Crs)
        Of the caller's branches and permissions, like everything they read. BadParameter, UnknownCollection, NotFound.

Pages are cut by id, so that a reader of a moving table misses nothing that stood there when they began. A GIS program
signs in with a key that its user makes on the desk (identity.service.gis_keys): HTTP Basic under any name, or Bearer.
Why no pygeoapi: app/decisions/0019-gis-doors-of-our-own.md.
"""
