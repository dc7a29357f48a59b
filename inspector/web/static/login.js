// Signing in without a keyboard: names and digits are buttons.
const name = document.getElementById("name");
const secret = document.getElementById("secret");

for (const button of document.querySelectorAll("[data-name]")) {
  button.addEventListener("click", () => {
    name.value = button.dataset.name;
    secret.focus();
  });
}
for (const key of document.querySelectorAll("[data-key]")) {
  key.addEventListener("click", () => {
    secret.value = key.dataset.key ? secret.value + key.dataset.key : secret.value.slice(0, -1);
  });
}
// A badge reader types the badge and Enter: the PIN comes next.
name.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !secret.value) {
    event.preventDefault();
    secret.focus();
  }
});
