"""Floor 3: the operators' station: pages for people, an interface for programs. It knows ports and domain only.

station.py     everything it is handed            app.py      puts it together
access.py      who may call each route            gatekeeper.py  secrets, sessions, lock-out
feed.py        looks at line and book for all     words.py, pages.py, facts.py   languages, templates, what is said
screens/       one module a screen                interface/  REST, health, metrics
templates/     Jinja2                             static/     own CSS and JavaScript; vendor/ by tools/vendor_web.py
locale/        catalogues, by tools/web_messages.py

How a screen is added: a module in ``screens/`` with ``_ROUTES = Routes("name")``, handlers that declare who may call
them (``@_ROUTES.get("/name", Access.EXPERT) def name(visit: Here): return visit.page("name.html", here="name")``), and
a ``SCREEN`` with ``tab=False`` (a tile of More) or ``True``; its name in ``screens/__init__.SCREENS``; a template that
extends base.html, its texts in ``_("...")``; `python -m tools.web_messages`, then the new texts in
``locale/*/messages.po``; a line in ``tests/web/screens.py`` (so that languages, axe and touch sizes look at it) and a
browser test of its main path. A new port goes into ``station.py`` and is opened in ``app/web_station.py``. What a
screen changes carries ``visit.csrf`` as a hidden field "csrf" in a form; htmx and ``ask`` of static/page.js send it
by themselves. Inline styles and scripts do not work: the pages' policy forbids them.
"""
