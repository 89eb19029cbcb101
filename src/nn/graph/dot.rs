//! A graph in DOT, the language of Graphviz.

use super::{Graph, Part, Role};
use std::fmt::Write;

/// Blocks are clusters; boxes have two lines.
pub(super) fn write(graph: &Graph) -> String {
    let mut out = format!(
        "digraph {} {{\n  node [shape=box, style=\"rounded,filled\", fontname=\"sans-serif\", fontsize=11]\n",
        quoted(&graph.title)
    );
    parts(&mut out, graph, &graph.chain, "  ");
    for (from, to) in &graph.edges {
        let _ = writeln!(out, "  n{from} -> n{to}");
    }
    out + "}\n"
}

fn parts(out: &mut String, graph: &Graph, chain: &[Part], indent: &str) {
    for part in chain {
        match part {
            &Part::Node(node) => line(out, graph, node, indent),
            Part::Fork { path, branches, join, .. } => {
                cluster(out, path, indent, |out, indent| {
                    branches.iter().for_each(|branch| parts(out, graph, branch, indent));
                    line(out, graph, *join, indent);
                });
            }
            Part::Head { path, parts: inside } => {
                cluster(out, path, indent, |out, indent| parts(out, graph, inside, indent));
            }
        }
    }
}

fn cluster(out: &mut String, path: &str, indent: &str, inside: impl FnOnce(&mut String, &str)) {
    let (id, label) = (quoted(&format!("cluster_{path}")), quoted(path));
    let _ = writeln!(out, "{indent}subgraph {id} {{\n{indent}  label={label}; color=gray; fontsize=10");
    inside(out, &format!("{indent}  "));
    let _ = writeln!(out, "{indent}}}");
}

fn line(out: &mut String, graph: &Graph, at: usize, indent: &str) {
    let node = &graph.nodes[at];
    let colour = match node.role {
        Role::Conv => "#cfe3ff",
        Role::Pool => "#ffe2c4",
        Role::Linear => "#d8f0d2",
        Role::Join => "#e6dcff",
        Role::End | Role::Other => "#eeeeee",
    };
    let label = quoted(&format!("{}\n{}", node.label, node.details()));
    let _ = writeln!(out, "{indent}n{at} [label={label}, fillcolor=\"{colour}\"]");
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}
