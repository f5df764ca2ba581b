"""How the overview and the tabs below it look."""

STYLE = """<style>
.cnnw-overview { margin: 0; line-height: 1.3; font-size: 13px; min-width: 0; }
.cnnw-overview-room { position: relative; max-height: 640px; overflow: hidden auto; outline: none;
  scrollbar-gutter: stable; border-radius: 4px; }
.cnnw-overview-room:focus-visible { box-shadow: inset 0 0 0 2px var(--cnnw-accent); }
.cnnw-thread { position: absolute; left: 0; top: 0; pointer-events: none; z-index: 1; overflow: visible; }
.cnnw-thread path { fill: none; stroke: var(--cnnw-line); stroke-width: 1.5; pointer-events: stroke; }
.cnnw-thread .cnnw-edge { stroke: var(--cnnw-accent); opacity: 0.75; }
.cnnw-thread .cnnw-knot { fill: var(--cnnw-ground); stroke: var(--cnnw-muted); stroke-width: 1.5; }
.cnnw-stage { display: grid; grid-template-columns: minmax(216px, 1fr) minmax(0, 510px); gap: 0 10px; height: 56px;
  align-items: center; padding: 0 6px 0 36px; box-sizing: border-box; border-radius: 4px; cursor: default; }
.cnnw-stage.cnnw-open { height: 26px; } .cnnw-open > .cnnw-thumbs, .cnnw-open .cnnw-under { display: none; }
.cnnw-stage:not(.cnnw-open) + .cnnw-stage {
  border-top: 1px solid color-mix(in srgb, var(--cnnw-line) 45%, transparent); }
.cnnw-stage:hover { background: color-mix(in srgb, var(--cnnw-accent) 6%, transparent); }
.cnnw-stage.cnnw-chosen { background: color-mix(in srgb, var(--cnnw-accent) 11%, transparent); }
.cnnw-overview-room:focus-visible .cnnw-stage.cnnw-here { box-shadow: inset 0 0 0 1.5px var(--cnnw-accent); }
.cnnw-stage[aria-expanded] .cnnw-what { cursor: pointer; }
.cnnw-what { min-width: 0; padding-left: calc(8px * var(--cnnw-depth, 0)); }
.cnnw-named-stage { white-space: nowrap; overflow: hidden; text-overflow: ellipsis; display: flex;
  align-items: baseline; }
.cnnw-named-stage b { overflow: hidden; text-overflow: ellipsis; flex: 0 0 auto; max-width: 100%; margin-right: 7px; }
.cnnw-named-stage .cnnw-quiet { flex: 0 2 auto; overflow: hidden; text-overflow: ellipsis; }
.cnnw-fold { all: unset; width: 17px; margin-left: -4px; flex: none; color: var(--cnnw-accent); cursor: pointer;
  font-size: 16px; line-height: 14px; text-align: center; }
.cnnw-under { padding-left: 13px; font-size: 12px; line-height: 15px; }
.cnnw-under > * { white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.cnnw-said { color: var(--cnnw-text); opacity: 0.85; }
.cnnw-sizes, .cnnw-sizes .cnnw-quiet { font-size: 11px; font-variant-numeric: tabular-nums; }
.cnnw-watch { color: var(--cnnw-error); }
.cnnw-thumbs { display: flex; flex-wrap: wrap; gap: 8px 5px; height: var(--cnnw-thumb); overflow: hidden;
  align-items: center; padding: 2px; margin: -2px; min-width: 0; }
.cnnw-thumb, .cnnw-strip { image-rendering: pixelated; display: block; flex: none; cursor: pointer; border-radius: 2px;
  box-shadow: 0 0 0 1px color-mix(in srgb, var(--cnnw-text) 14%, transparent); }
.cnnw-thumb { height: var(--cnnw-thumb); } .cnnw-strip { height: 22px; }
.cnnw-thumb:hover { box-shadow: 0 0 0 2px color-mix(in srgb, var(--cnnw-accent) 60%, transparent); }
.cnnw-thumb.cnnw-chosen { box-shadow: 0 0 0 2px var(--cnnw-accent); }
.cnnw-overview-room:focus-visible .cnnw-here:is(canvas) {
  box-shadow: 0 0 0 2px var(--cnnw-ground), 0 0 0 4px var(--cnnw-accent); }
.cnnw-explore { position: relative; }
.cnnw-sees { position: absolute; z-index: 3; pointer-events: none; border: 2px solid var(--cnnw-accent);
  border-radius: 2px; box-shadow: 0 0 0 1px #fffc, inset 0 0 0 1px #fffc; }
.cnnw-stage.cnnw-feeds { background: color-mix(in srgb, var(--cnnw-accent) 18%, transparent);
  box-shadow: inset 3px 0 0 var(--cnnw-accent); }
.cnnw-feeds .cnnw-said { display: none; } .cnnw-gave { color: var(--cnnw-accent); }
.cnnw-thumbs { position: relative; }
.cnnw-place { position: absolute; pointer-events: none; box-sizing: border-box; border: 1.5px solid var(--cnnw-accent);
  box-shadow: 0 0 0 1px #fffc, inset 0 0 0 1px #fffc; border-radius: 1px; }
.cnnw-thumb.cnnw-most { box-shadow: 0 0 0 2px var(--cnnw-accent); }
.cnnw-none { padding: 20px 50px; }
.cnnw-below { border-top: 1px solid var(--cnnw-line); margin-top: 10px; padding-top: 8px; }
.cnnw-below .cnnw { border: 0; padding: 8px 0 0; }
.cnnw-tabs .widget-toggle-button, .cnnw-tabs .jupyter-button { width: auto; background: none; box-shadow: none;
  border-bottom: 2px solid transparent; color: var(--cnnw-muted); }
.cnnw-tabs .jupyter-button.mod-active { color: var(--cnnw-text); border-bottom-color: var(--cnnw-accent);
  font-weight: 600; }
.cnnw-overview-room { --cnnw-thumb: 46px; }
.cnnw-overview, .cnnw-explore { container-type: inline-size; }
@container (max-width: 560px) {
  .cnnw-stage { grid-template-columns: 178px minmax(0, 1fr); gap: 0 8px; padding-right: 4px; --cnnw-thumb: 41px; }
  .cnnw-under { font-size: 11px; } }
@container (max-width: 660px) { /* the image beside its prediction, above the stages */
  .cnnw-explore > .widget-vbox > .widget-hbox:has(.cnnw-overview) > .widget-vbox:has(> .widget-vbox) {
    flex-direction: row; flex: 1 1 100%; } }
.cnnw-legend { display: flex; flex-wrap: wrap; gap: 4px 24px; margin: 8px 0 0 36px; }
</style>"""
