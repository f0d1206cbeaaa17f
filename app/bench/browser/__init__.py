"""The budgets of the screens, measured in a real Chromium on the product's own processes over a scratch district.

| module   | holds                                                                                        |
|----------|----------------------------------------------------------------------------------------------|
| chromium | how a browser is started, and what is noted of every page                                      |
| probes   | scripts that note times inside the page, where no message to the test process blurs them       |
| pages    | the console and the tablet as page objects; the browser tests build on them                     |
| house    | the product's processes over a scratch district and a Redis database of their own               |
| crowd    | more features and crews than the district has                                                  |
| map      | `browser.map`: a frame's work while panning, first idle, moving crews                           |
| crew     | `browser.crew`: cold start offline, tap to badge, draining the queue                            |
| desk     | `browser.desk`: interactions of a scripted session                                              |
| board    | `browser.board`: first render, drag and scroll of the day board                                 |

Playwright belongs to the environment of tests: nothing here is imported before a browser benchmark runs.
"""
