// A person's corrections of a part: another class, another box, a defect that was missed, one that is none.
export class Corrector {
  constructor(data, viewer) {
    this.viewer = viewer;
    this.labels = data.labels;
    this.marks = data.defects.map((defect, position) => ({ ...defect, defect: position, removed: false }));
    this.drawn = [];
    this.chosen = 0;
    this.touched = false;
    this.tracker = null;
    this.changed = () => {};
    const classes = document.getElementById("classes");
    for (const [label, word] of Object.entries(this.labels)) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "button";
      button.dataset.label = label;
      button.textContent = word;
      button.addEventListener("click", () => this.change({ label }));
      classes.append(button);
    }
    const redraw = document.getElementById("mark-redraw");
    const add = document.getElementById("mark-add");
    redraw.addEventListener("click", () => this.start("redraw"));
    add.addEventListener("click", () => this.start("add"));
    this.starts = [redraw, add];
    document.getElementById("mark-remove").addEventListener("click", () => this.change({ removed: !this.marks[this.chosen]?.removed }));
    this.tell = (text) => {
      const told = document.getElementById("told");
      told.textContent = text;
      told.hidden = !text;
    };
    this.stop = document.getElementById("mark-cancel");
    this.stop.addEventListener("click", () => this.cancel());
  }

  /** What is posted: whether anything was corrected, and then every defect as the person sees it, or none at all. */
  given() {
    const left = this.touched ? this.marks.filter((mark) => !mark.removed) : [];
    const corrections = left.map(({ label, x, y, width, height, defect }) => ({ label, x, y, width, height, defect: defect ?? null }));
    return { corrections, corrected: this.touched };
  }

  choose(position) {
    this.chosen = position;
    this.draw();
  }

  change(what, position = this.chosen) {
    const mark = this.marks[position];
    if (!mark) return;
    Object.assign(mark, what);
    if (!("removed" in what)) mark.removed = false;
    this.touched = true;
    mark.person = true;
    this.draw();
    this.changed();
  }

  /** Show every mark over the picture. */
  draw() {
    const viewer = this.viewer();
    document.getElementById("mark-remove").setAttribute("aria-pressed", String(this.marks[this.chosen]?.removed ?? false));
    for (const button of document.querySelectorAll("#classes [data-label]")) {
      button.setAttribute("aria-pressed", String(this.marks[this.chosen]?.label === button.dataset.label));
    }
    if (!viewer?.world.getItemCount()) return;
    for (const element of this.drawn) viewer.removeOverlay(element);
    this.drawn = [];
    this.marks.forEach((mark, position) => {
      if (mark.removed) return;
      const element = document.createElement("div");
      element.className = `mark${mark.sure === false ? " doubtful" : ""}${mark.person ? " person" : ""}${position === this.chosen ? " chosen" : ""}`;
      this.drawn.push(element);
      viewer.addOverlay({
        element,
        location: viewer.viewport.imageToViewportRectangle(mark.x, mark.y, mark.width, mark.height),
      });
    });
  }

  /** The next drag over the picture is a box: of the mark chosen now, or of a new one. */
  start(kind) {
    const viewer = this.viewer();
    if (!viewer) return;
    this.cancel();
    this.tell(document.getElementById("item").dataset.redraw);
    this.offerStop(true);
    viewer.setMouseNavEnabled(false);
    const redrawn = kind === "redraw" ? this.chosen : null;
    const at = (event) => viewer.viewport.viewerElementToImageCoordinates(event.position);
    let from = null;
    this.tracker = new OpenSeadragon.MouseTracker({
      element: viewer.canvas,
      pressHandler: (event) => {
        from = at(event);
      },
      dragHandler: () => {},
      releaseHandler: (event) => {
        const to = at(event);
        this.cancel();
        if (!from || Math.abs(to.x - from.x) < 2 || Math.abs(to.y - from.y) < 2) return;
        this.take(redrawn, {
          x: Math.round(Math.min(from.x, to.x)),
          y: Math.round(Math.min(from.y, to.y)),
          width: Math.round(Math.abs(to.x - from.x)),
          height: Math.round(Math.abs(to.y - from.y)),
        });
      },
    });
  }

  /** Cancel takes the place of what begins a box: the picture must not move under the finger. */
  offerStop(offered) {
    this.stop.hidden = !offered;
    for (const button of this.starts) button.hidden = offered;
  }

  /** Draw no box after all. */
  cancel() {
    if (!this.tracker) return;
    this.tracker.destroy();
    this.tracker = null;
    this.offerStop(false);
    this.viewer().setMouseNavEnabled(true);
    this.tell("");
  }

  /** A box was drawn: for this mark, or for one more (null). */
  take(position, box) {
    if (position !== null) return this.change(box, position);
    this.marks.push({ label: this.marks[this.chosen]?.label ?? Object.keys(this.labels)[0], defect: null });
    this.chosen = this.marks.length - 1;
    this.change(box);
  }
}
