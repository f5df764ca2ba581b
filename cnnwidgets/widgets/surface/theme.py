"""The colours of a card in the page, and what has to hold in pages that lack JupyterLab's style sheet.

A card brings its own ground, so that its text can be read whatever lies under it. JupyterLab, Notebook and Voila say in
`data-jp-theme-light` which theme they have. Colab says it in `html[theme]`, VS Code in `data-vscode-theme-kind`, and
their `--jp-` variables are those of a light theme in both: there, all that ipywidgets and bqplot take from them is set
here.
"""

from __future__ import annotations

from ...render.color import DARK, LIGHT, Theme

ERRORS = {LIGHT: "#b71c1c", DARK: "#ff8a80"}
ON_ACCENT = {LIGHT: "#ffffff", DARK: "#0b1220"}
ALWAYS_LIGHT = "html[theme=dark], [data-vscode-theme-kind=vscode-dark], [data-vscode-theme-kind=vscode-high-contrast]"
"""A dark theme of Colab or VS Code, whose `--jp-` variables do not follow it."""
TIPS = ".mark_tooltip:has(.cnnw-tip), .bqplot_mark_tooltip:has(.cnnw-tip)"


def _own(theme: Theme) -> str:
    """The variables of our own style sheet."""
    return (
        f"--cnnw-muted: {theme.muted}; --cnnw-accent: {theme.accent}; --cnnw-on-accent: {ON_ACCENT[theme]}; "
        f"--cnnw-error: {ERRORS[theme]}; --cnnw-right: {theme.right}; --cnnw-wrong: {theme.wrong};"
    )


def _ground(theme: Theme) -> str:
    return (
        f"--cnnw-text: {theme.text}; --cnnw-ground: {theme.ground}; --cnnw-line: {theme.line}; "
        f"--cnnw-track: {theme.track};"
    )


def _foreign(theme: Theme) -> str:
    """The variables that ipywidgets and bqplot read."""
    colors = {
        theme.text: (
            *(f"--jp-{kind}-font-color{number}" for kind in ("ui", "content") for number in (0, 1)),
            *(f"--jp-widgets-{part}color" for part in ("", "label-", "readout-", "input-")),
            *("--bq-content-font-color", "--bq-content-scatter-font-color"),
        ),
        theme.muted: (
            *(f"--jp-{kind}-font-color{number}" for kind in ("ui", "content") for number in (2, 3)),
            *("--jp-border-color0", "--jp-border-color1", "--jp-widgets-input-border-color"),
            "--jp-widgets-slider-handle-border-color",
        ),
        theme.ground: ("--jp-layout-color0", "--jp-layout-color1", "--jp-widgets-input-background-color"),
        theme.track: ("--jp-layout-color2", "--jp-layout-color3", "--jp-border-color3", "--jp-border-color2"),
        theme.accent: ("--jp-brand-color0", "--jp-brand-color1", "--jp-brand-color2"),
        ON_ACCENT[theme]: ("--jp-ui-inverse-font-color1",),
        ERRORS[theme]: ("--jp-error-color1",),
    }
    return " ".join(f"{name}: {color};" for color, names in colors.items() for name in names)


COLORS = f"""
:is(.cnnw, {TIPS}) {{ {_own(LIGHT)}
  --cnnw-text: var(--jp-ui-font-color1, {LIGHT.text}); --cnnw-ground: var(--jp-layout-color0, {LIGHT.ground});
  --cnnw-line: var(--jp-border-color2, {LIGHT.line}); --cnnw-track: var(--jp-border-color3, {LIGHT.track}); }}
[data-jp-theme-light=false] :is(.cnnw, {TIPS}) {{ {_own(DARK)} }}
:is({ALWAYS_LIGHT}) :is(.cnnw, {TIPS}) {{ {_own(DARK)} {_ground(DARK)} {_foreign(DARK)} color-scheme: dark; }}
.cell-output-ipywidget-background:has(.cnnw) {{ background: none !important; }} /* white in VS Code's dark themes too */
[data-vscode-theme-kind] .cnnw .cnnw-present {{ display: none; }} /* the window is a frame that is cut off */
.cnnw {{ background: var(--cnnw-ground); color: var(--cnnw-text); }}
:is({TIPS}) {{ background: var(--cnnw-ground); color: var(--cnnw-text); border-color: var(--cnnw-line); }}
.cnnw .bqplot {{ position: relative; }} /* what is absolute in it stays in it, also where the page has no such rule */
.cnnw .bqplot > svg .axis text {{ fill: var(--cnnw-muted); }}
.cnnw .jupyter-button.mod-primary {{ background: var(--cnnw-accent); color: var(--cnnw-on-accent); }}
.cnnw ::placeholder {{ color: var(--cnnw-muted); opacity: 1; }}
.cnnw .cnnw-single {{ display: none; }}
.cnnw .cnnw-named {{ position: relative; }}
.cnnw .cnnw-named > .widget-label, .cnnw .cnnw-named > .widget-label-basic > span {{ position: absolute; width: 1px;
  height: 1px; margin: -1px; padding: 0; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }}
"""
