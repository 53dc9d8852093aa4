/** Colours by role; the page follows the reader's choice of light or dark. */
export const style = `
:root { color-scheme: light dark; --paper: #fbfdff; --ink: #14263a; --faint: #5b6f84; --line: #d5dfe9; --hull: #27466b; --water: #2f86cf; --afloat: #f1f4f7; --deep: #d3e6f7;
  --open: #ffffff; --machine: #b9cadb; --odd: #ffc45c; --wall: #ffffff; --breach: #d6402b }
@media (prefers-color-scheme: dark) { :root { --paper: #0c151f; --ink: #dce6f0; --faint: #93a7bb; --line: #24364a; --hull: #7e9dc0; --water: #175a94; --afloat: #141f2b; --deep: #10304c;
  --open: #cfe4f7; --machine: #55708c; --odd: #ffc45c; --wall: #0c151f; --breach: #ff6a53 } }
* { box-sizing: border-box }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 90rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; color: var(--ink); background: var(--paper) }
h1 { font-size: 1.7rem; margin: 0 } h2 { margin: 2.2rem 0 .6rem; font-size: 1.2rem } p { margin: .3rem 0; max-width: 60rem }
.faint { color: var(--faint) } .alert { border-left: 4px solid var(--breach); padding: .2rem .8rem; margin: .8rem 0 }
dl { display: flex; flex-wrap: wrap; gap: .6rem 2.4rem; margin: 1rem 0 } dt { color: var(--faint); font-size: .85rem } dd { margin: 0; font-size: 1.7rem; line-height: 1.2; font-variant-numeric: tabular-nums }
.legend { display: flex; flex-wrap: wrap; gap: .3rem 1.4rem; align-items: center; font-size: .85rem; margin: .8rem 0 } .legend span { display: inline-flex; gap: .4rem; align-items: center } .legend b { display: inline-flex; padding: 3px; background: var(--water); border-radius: 3px }
.fleet { display: grid; grid-template-columns: repeat(auto-fill, minmax(21rem, 1fr)); gap: 1.2rem; align-items: start }
.far { grid-template-columns: repeat(auto-fill, minmax(7.5rem, 1fr)); gap: .7rem }
.hull { border: 3px solid var(--hull); border-top-width: 1px; border-radius: .3rem .3rem 3.2rem 3.2rem / .3rem .3rem 1.6rem 1.6rem; padding: .5rem 1rem 1rem; background: var(--afloat); min-width: 0 }
.wide { grid-column: 1 / -1 }
.hull h3 { margin: 0; font-size: 1rem; overflow-wrap: anywhere } .hull p { margin: .1rem 0 .5rem; font-size: .82rem; color: var(--faint); overflow-wrap: anywhere }
.far .hull { padding: .2rem .6rem .6rem; border-width: 2px; border-top-width: 1px } .far h3 { font-size: .72rem; font-weight: 500 } .far p { font-size: .72rem; margin: 0 0 .2rem }
.holds { display: flex; flex-wrap: wrap; gap: 5px; align-items: center }
.hold { display: flex; flex-wrap: wrap; gap: 3px; padding: 5px; border-radius: 3px; border: 1px dashed var(--hull); align-content: flex-start }
.flooded { background: linear-gradient(var(--afloat), var(--deep) 60%) } .flooded .hold { background: var(--water); border: 1px solid var(--water) }
.pod { display: block; width: 15px; height: 15px; border-radius: 2px; background: var(--open); border: 1px solid transparent; font: 11px/1.35 system-ui, sans-serif; font-style: normal; color: #14263a; overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
.far .pod, .dense .pod { width: 9px; height: 9px } .far .hold { padding: 3px } .far .holds, .far .hold, .dense .holds, .dense .hold { gap: 2px }
.pod.trusted { background: var(--machine) } .pod.unknown { background: var(--odd) } .pod.wall { background: var(--wall); border: 2px solid var(--hull); color: var(--ink) } .pod.breach { border: 2px dashed var(--breach) }
.named .pod { width: auto; max-width: 17rem; height: auto; padding: 1px 6px }
table { border-collapse: collapse; font-size: .9rem } th { font-weight: 500; color: var(--faint) } th, td { text-align: left; padding: .25rem 1.2rem .25rem 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums } code { font-size: .92em; overflow-wrap: anywhere } li { margin: .3rem 0 }
`
