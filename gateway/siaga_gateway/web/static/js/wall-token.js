// A token may come once in the address behind #, which no server and no log sees; it leaves the address at once.

const found = new URLSearchParams(location.hash.slice(1)).get("token");
if (found) {
  history.replaceState(null, "", location.pathname);
  document.getElementById("token").value = found;
  document.getElementById("wall-token").requestSubmit();
}
