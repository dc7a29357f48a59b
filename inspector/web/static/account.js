// Another PIN without a keyboard: digits go to the field that was touched last.
const form = document.getElementById("another");
let field = form.querySelector("[type=password]");

for (const input of form.querySelectorAll("[type=password]")) {
  input.addEventListener("focus", () => (field = input));
}
for (const key of form.querySelectorAll("[data-key]")) {
  key.addEventListener("click", () => {
    field.value = key.dataset.key ? field.value + key.dataset.key : field.value.slice(0, -1);
  });
}
