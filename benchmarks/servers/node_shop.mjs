// A shop in JavaScript with two races, for attacks on something that is not Rocket.
//
// The stories of the lab's `coupons` and `stock-*` on Node's own HTTP server: one
// thread, one event loop, and still every `await` is a place where another request
// may run. Without `--fixed` each handler looks, awaits, and then acts on what it
// saw; with it, looking and acting are one step without an await between.
//
// `node node_shop.mjs [--fixed]` listens on a free port of 127.0.0.1 and prints the
// line `listening on http://127.0.0.1:PORT`. `python_shop.py` is the same shop.

import { createServer } from "node:http";
import { argv } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

const WAIT = 1; // milliseconds that the payment provider, or the database, takes
const fixed = argv.includes("--fixed");

const firstDay = () => ({
  coupons: new Map([["WELCOME10", 10], ["SUMMER25", 25]]),
  used: new Set(),
  paidOut: 0,
  stock: new Map([["lamp", 1], ["chair", 10]]),
  sold: new Map([["lamp", 0], ["chair", 0]]),
});
let shop = firstDay();

async function redeem(code) {
  if (!shop.coupons.has(code)) return [404, `${code}: no such coupon`];
  if (shop.used.has(code)) return [409, `${code}: already used`];
  if (fixed) shop.used.add(code);
  await sleep(WAIT);
  shop.used.add(code);
  shop.paidOut += shop.coupons.get(code);
  return [200, `${code}: paid ${shop.coupons.get(code)}`];
}

async function buy(item) {
  const take = () => shop.stock.set(item, shop.stock.get(item) - 1);
  if ((shop.stock.get(item) ?? 0) < 1) return [409, `${item}: none left`];
  if (fixed) take();
  await sleep(WAIT);
  if (!fixed) take();
  shop.sold.set(item, shop.sold.get(item) + 1);
  return [200, `${item}: sold`];
}

const number = (value) => (value === undefined ? [404, "no such item"] : [200, String(value)]);

const routes = {
  "POST redeem": redeem,
  "POST buy": buy,
  "GET paid-out": () => number(shop.paidOut),
  "GET stock": (item) => number(shop.stock.get(item)),
  "GET sold": (item) => number(shop.sold.get(item)),
  "POST reset": () => {
    shop = firstDay();
    return [200, "as on the first day"];
  },
};

const server = createServer(async (request, response) => {
  const [, name, value] = request.url.split("/");
  const handler = routes[`${request.method} ${name}`];
  const [status, text] = handler ? await handler(value) : [404, "no such page"];
  request.resume(); // a body that nobody reads would keep the connection from its next request
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(text);
});
server.listen(0, "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
