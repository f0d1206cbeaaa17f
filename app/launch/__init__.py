"""Two commands and nothing before them: `python3 -m app up` and `python3 -m app test`.

Everything here runs on a bare Python 3.11 with the standard library only, because it is what makes the rest exist: the
virtual environment, PostgreSQL with PostGIS, Redis, Node, the built screens, and the processes that serve them. All
state lies in the checkout's ignored `var/` (or, where the database's account may not enter it, in a folder of its own).

| file                          | holds                                                                            |
| report                        | `Stop` (one sentence, exit code) and the progress lines                           |
| places, stamps                | where things lie; what has been done already                                      |
| programs, processes, accounts | running programs, recognising ours again, the account that servers run under      |
| registries                    | the machine's own mirrors and certificates, handed on to every fetcher            |
| closure, debian               | Debian packages unpacked privately, without root and without installing           |
| python_env, node, browser     | the virtual environment, Node, Chromium with CJK fonts                            |
| postgres, redis_server        | one private server each, reached by socket only                                   |
| services                      | both together, or the ones DATABASE_URL and REDIS_URL name                        |
| context, prepare, together    | what every command starts from; the steps to a filled database and built screens,  |
|                               | side by side                                                                      |
| children, ports, supervisor   | the product's processes, where they listen, kept alive                            |
| commands/                     | up, down, wipe, doctor, test and the commands that run inside the environment     |

Variables it reads besides: LAMPLIGHTER_STATE (another folder than var/), LAMPLIGHTER_DISTRICT (tiny, demo, load, none),
TEST_DATABASE_URL and TEST_REDIS_URL (servers for tests), PG_BINDIR, CHROMIUM, PUBLIC_ORIGIN, STREAM_ORIGIN.

Inside the environment this package relies on `python -m app.cli` (migrate, load-demo, demo-logins, shell, bench, story,
import), `wsgi:app`, `app.stream:application`, `python -m app.worker` and `python -m app.web`.
Why it is built this way: app/decisions/0001-embedded-services.md.
"""
