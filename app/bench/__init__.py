"""Benchmarks: figures beside the code, each with its goal, printed as ratios to a named reference of the same run.

`python3 -m app bench [NAME …]` prints one JSON object a figure on stdout and a table on stderr; it exits 1 where a
figure misses its goal. A name stands for itself and for what follows it after a dot: `browser` runs `browser.map`,
`browser.crew`, `browser.desk` and `browser.board`. They are measurements, never timed tests; the load of the machine is
printed with them, because one that is busy with something else explains a miss.

Nothing is imported here: the web process that `sync` measures (`survey_app`) must load what the product's loads, and
not what makes districts and drives browsers.
"""
