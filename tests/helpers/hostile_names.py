"""Names that try to be more than text."""

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<!--<script>",
    "${alert(1)} $policy {{ title }}",
    '"; alert(1); "',
    "n0->n1",
    "&lt;b&gt; &amp;",
    "\u202egnp.exe \u2028 \x00\x1b[31m \ud800 \U000f0000",
    "x" * 10_000,
]
