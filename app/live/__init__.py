"""Live screens: one server-sent event stream a browser, woken after commits, resumed by the stamps of sync.

`GET /api/v1/stream` in a process of its own (`app.stream`), with the session cookie of the desk.

```
retry: 1000
id: <cursor>   event: ready    data: {}                              where the stream stands, at its start
id: <cursor>   event: change   data: {"entity","id","rev","gone"}    one record changed; fetch what you show
id: <cursor>   event: reset    data: {}                              too much was missed; fetch everything
: (every 15 s)
```

`entity` is job, crew, outage, demand, attachment or network (a switch or valve was operated). `rev` is 0 where the
record has no revision (a demand, a device). A job is
told at its old revision when a conflict about it is raised, handed over or settled. A reader
resumes with Last-Event-ID (or `?cursor=`) and misses nothing: the cursor is a position in the buckets
`live:<branch>` of mobile_sync, whose numbers are given after commit. 401 and 403 end the stream for good; 503 says in
Retry-After when to come again.
"""
