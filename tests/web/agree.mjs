// Runs the networks in a JSON file and prints how far they are from what JAX computed: see test_explorer_engine.py.
import { readFileSync } from "node:fs";
import { decode } from "../../jaxconv/viz/explorer/web/arrays.js";
import { Network } from "../../jaxconv/viz/explorer/web/network.js";

const { data, results, samples } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const network = new Network(data);
const distance = (a, b) => (Object.is(a, b) ? 0 : Math.abs(a - b) / Math.max(1, Math.abs(b)));
const report = { nodes: [], unwritten: [], reads: [] };
data.images.forEach((_, image) => {
  network.show(image);
  network.nodes.forEach((node, number) => {
    const expected = decode(results[image][number]);
    const found = network.value(number);
    const worst = expected.reduce((most, value, index) => Math.max(most, distance(found[index], value)), 0);
    const places = samples.map((share) => Math.floor(share * found.length));
    const trees = places.map((index) => network.formula(number, index));
    const written = trees.reduce((most, tree, k) => (tree ? Math.max(most, distance(tree.value, expected[places[k]])) : most), 0);
    report.nodes.push([node.name, node.kind, worst, written]);
    if (trees.includes(null)) report.unwritten.push(node.name);
  });
});
for (const share of samples) {
  const last = network.nodes.length - 1;
  const index = Math.floor(share * network.value(last).length);
  report.reads.push([index, Array.from(network.reads(last, index)?.get(-1) ?? [])]);
}
console.log(JSON.stringify(report));
