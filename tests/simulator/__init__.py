"""A labelled simulator: trails of an invented organisation, and the truth about them.

``organisation``
    plans what people, jobs and services did, and writes the records of it by their published
    shapes; some of them late, doubled or never delivered
``knowledge``
    what docs/rules.md lets one know of that plan from what was delivered: each answer it expects is
    taken from the plan, never from the project's SQL
"""
