// The golden image beside the part's picture, or in its place by turns: always the same place at the same scale.

/** Each of the two stays this long: 1.4 changes a second, below the 3 flashes that WCAG 2.3.1 allows. */
const TURN_MS = 700;

const calm = matchMedia("(prefers-reduced-motion: reduce)");
const pressed = (button) => button.getAttribute("aria-pressed") === "true";

/** What every picture that can be zoomed has in common. */
export const LOOKS = {
  showNavigationControl: false,
  animationTime: 0.2,
  maxZoomPixelRatio: 8,
  gestureSettingsTouch: { pinchToZoom: true, dblClickToZoom: false },
  gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: false },
  imageSmoothingEnabled: false,
};

export class Comparison {
  /** ``golden``: where it is shown; ``open``: has the part's picture opened, and calls back with its viewer. */
  constructor(golden, open) {
    this.golden = golden;
    this.open = open;
    this.place = golden.parentElement;
    this.beside = document.getElementById("beside");
    this.blink = document.getElementById("blink");
    this.turning = 0;
    this.part = this.other = this.leader = null;
    this.beside.addEventListener("click", () => this.choose(this.beside));
    this.blink.addEventListener("click", () => this.choose(this.blink));
  }

  /** One way of comparing at a time; its own button ends it. */
  choose(button) {
    const begins = !pressed(button);
    this.end();
    if (!begins) return;
    button.setAttribute("aria-pressed", "true");
    this.golden.hidden = false;
    this.place.dataset.compare = button.id;
    this.place.dataset.shown = "part";
    this.open((part) => {
      if (!pressed(button)) return;
      this.join(part);
      if (button === this.blink) this.turn();
    });
  }

  /** The part's picture alone. */
  end() {
    clearInterval(this.turning);
    for (const button of [this.beside, this.blink]) button.setAttribute("aria-pressed", "false");
    this.golden.hidden = true;
    delete this.place.dataset.compare;
    delete this.place.dataset.shown;
  }

  /** By turns; who wants no motion sees the golden image until the button is pressed again. */
  turn() {
    const swap = () => {
      this.place.dataset.shown = this.place.dataset.shown === "part" ? "golden" : "part";
    };
    swap();
    if (!calm.matches) this.turning = setInterval(swap, TURN_MS);
  }

  /** The picture that was touched last leads, and the other one follows it. */
  join(part) {
    this.leader = part;
    if (this.other) return this.follow();
    const url = this.golden.dataset.golden;
    this.part = part;
    this.other = OpenSeadragon({
      ...LOOKS,
      element: this.golden,
      tileSources: { type: "image", url },
      preserveViewport: true,
    });
    for (const viewer of [this.part, this.other]) {
      for (const touch of ["canvas-press", "canvas-scroll", "canvas-pinch"]) {
        viewer.addHandler(touch, () => (this.leader = viewer));
      }
      for (const change of ["viewport-change", "open"]) viewer.addHandler(change, () => this.follow());
    }
    this.follow();
  }

  /** A button moves the part's picture. */
  lead() {
    if (this.part) this.leader = this.part;
  }

  follow() {
    if (this.golden.hidden) return;
    const from = this.leader.viewport;
    const to = (this.leader === this.part ? this.other : this.part).viewport;
    to.zoomTo(from.getZoom(true), null, true);
    to.panTo(from.getCenter(true), true);
  }
}
