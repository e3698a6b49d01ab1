// Image files, chosen or dropped, brought to the size of the input.
import { element } from "./shared.js";
import { pixelsFrom } from "./sketch.js";

/** A button that opens a file, as does dropping it: `take(pixels)` gets the image, `tell(text)` what went wrong. */
export function fileChooser(image, take, tell) {
  const [open, input] = [
    element("button", { type: "button" }, "Open an image…"),
    element("input", { type: "file", accept: "image/*", class: "unseen", tabindex: "-1", "aria-label": "image file" }),
  ];
  const invert = element("input", { type: "checkbox" });
  let last = null;
  const read = async () => {
    if (!last) return;
    try {
      take(pixelsFrom(await coloursOf(last, image.shape), image.shape, image, invert.checked));
    } catch {
      tell(`${last.name} can't be read as an image; choose a PNG, JPEG, GIF or WebP file`);
    }
  };
  const use = ([file]) => {
    if (!file) return null;
    last = file;
    return read();
  };
  open.addEventListener("click", () => input.click());
  input.addEventListener("change", () => use(input.files));
  invert.addEventListener("change", read);
  // Anywhere: what is dropped beside the image would else be opened in place of the page.
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    use(event.dataTransfer.files);
  });
  const hint = "for dark ink on white paper, where the network knows light on dark";
  return element(
    "div",
    { class: "row" },
    open,
    input,
    element("label", { title: hint }, invert, " invert"),
    element("span", { class: "faint" }, "or drop one anywhere"),
  );
}

// The whole file is seen, in the middle, whatever its proportions: cut off would be a guess of what matters.
async function coloursOf(file, [height, width]) {
  const bitmap = await createImageBitmap(file);
  const canvas = element("canvas", { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const factor = Math.min(width / bitmap.width, height / bitmap.height);
  const [across, down] = [bitmap.width * factor, bitmap.height * factor];
  context.fillStyle = corner(bitmap);
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, (width - across) / 2, (height - down) / 2, across, down);
  return context.getImageData(0, 0, width, height).data;
}

// What is left beside it has the colour of its first pixel, which is paper more often than not.
function corner(bitmap) {
  const context = element("canvas", { width: 1, height: 1 }).getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, 1, 1);
  context.drawImage(bitmap, 0, 0);
  const [red, green, blue] = context.getImageData(0, 0, 1, 1).data;
  return `rgb(${red} ${green} ${blue})`;
}
