//! What the record says about a machine.

use super::{
    common::{Report, record::Record},
    counts::{LADDER, OTHERS, Tile},
    figures, machine,
};

/// Numbers of the record by kind and name.
pub struct Found<'a>(pub &'a Record);

impl Found<'_> {
    pub fn one(&self, kind: &str, name: &str) -> f64 {
        *self.0.row(&format!("{kind}: {name}")).last().expect("rows of the record have numbers")
    }

    /// Multiply-adds from registers: on one thread, and on all.
    pub fn peaks(&self) -> [f64; 2] {
        let row = self.0.row("peak: one thread, all threads");
        [row[0], row[1]]
    }

    /// Name, threads, milliseconds and GFLOP/s.
    pub fn rungs(&self) -> Vec<(&str, usize, f64, f64)> {
        let rungs = self.0.rows.iter().filter_map(|(name, row)| Some((name.strip_prefix("rung: ")?, row)));
        rungs.map(|(name, row)| (name, row[0] as usize, row[1], row[2])).collect()
    }

    /// The rate of the fastest form in blocks on one thread.
    pub fn blocks(&self) -> f64 {
        let rungs = self.rungs().into_iter().filter(|(name, ..)| name.starts_with("blocks"));
        rungs.filter(|(_, threads, ..)| *threads == 1).map(|rung| rung.3).fold(0.0, f64::max)
    }

    /// The measured tiles: pixels, blocks, GFLOP/s.
    pub fn tiles(&self) -> Vec<(Tile, f64)> {
        let tiles = self.0.rows.iter().filter_map(|(name, row)| {
            let (pixels, blocks) = name.strip_prefix("tile: ")?.split_once(" x ")?;
            Some((Tile { pixels: pixels.parse().ok()?, blocks: blocks.parse().ok()? }, row[0]))
        });
        tiles.collect()
    }
}

/// Two digits, or three where there are.
pub fn short(x: f64) -> String {
    match x {
        x if x < 0.95 => format!("{x:.2}"),
        x if x < 9.5 => format!("{x:.1}"),
        x => format!("{x:.0}"),
    }
}

pub fn run(report: &mut Report, record: &Record) {
    let found = Found(record);
    report.part("ladder", |report| ladder(report, &found));
    report.part("chains", |report| chains(report, &found));
    report.part("reads", |report| reads(report, &found));
    report.part("layers", |report| layers(report, &found));
    tiles(report, &found);
    report.figure("ch13-ladder", figures::ladder(&found));
    report.figure("ch13-roofline", figures::roofline(&found));
    report.figure("ch13-tiles", figures::tiles(&found));
}

fn ladder(report: &mut Report, found: &Found) {
    report.line(found.0.origin());
    let rungs = found.rungs();
    let (first, [peak, all]) = (rungs[0].2, found.peaks());
    let row = |&(name, threads, ms, rate): &(&str, usize, f64, f64)| {
        let of_peak = 100.0 * rate / if threads == 1 { peak } else { all };
        let numbers = [short(ms), short(rate), format!("{:.0}", first / ms), short(of_peak)];
        [vec![name.to_string(), threads.to_string()], numbers.to_vec()].concat()
    };
    let rows: Vec<_> = rungs.iter().map(row).collect();
    report.table(&["form", "threads", "ms", "GFLOP/s", "times the first", "% of peak"], &rows);
    report.line(format!("peak: {} GFLOP/s on one thread, {} on all", short(peak), short(all)));
    let rate = |name: &str| found.one("rung", name);
    report.value("rate-first", short(rungs[0].3));
    report.value("ms-first", short(first));
    report.value("ms-last", short(rungs[rungs.len() - 1].2));
    report.value("times-all", format!("{:.0}", first / rungs[rungs.len() - 1].2));
    report.value("peak", short(peak));
    report.value("peak-all", short(all));
    report.value("times-order", short(rate("outputs innermost") / rate("inputs innermost")));
    report.value("times-tidied", short(rate("inputs innermost") / rate("the definition")));
    report.value("rate-inputs", short(rate("inputs innermost")));
    report.value("rate-outputs", short(rate("outputs innermost")));
    report.value("rate-rows", short(rate("im2col, row by row")));
    report.value("rate-product", short(rate("im2col, matrix product")));
    report.value("rate-scalar", short(rate("blocks, scalar")));
    report.value("rate-blocks", short(found.blocks()));
    report.value("share-blocks", format!("{:.0}", 100.0 * found.blocks() / peak));
    report.value("rate-winograd", short(rate("Winograd")));
    report.value("times-winograd", format!("{:.1}", rate("Winograd") / found.blocks()));
    report.value("share-winograd", format!("{:.0}", 100.0 * rate("Winograd") / peak));
    report.claim(
        "outputs innermost are more than twice as fast as inputs innermost, and as a sum for each row",
        rate("outputs innermost") > 2.0 * rate("inputs innermost").max(rate("im2col, row by row")),
    );
    report.claim("blocks are faster than outputs innermost, and Winograd's form than blocks", {
        found.blocks() > 1.2 * rate("outputs innermost") && rate("Winograd") > 1.2 * found.blocks()
    });
    report.claim("blocks do more than half of what the machine can", found.blocks() > 0.5 * peak);
    report.claim("Winograd's form is faster than any direct one can be", rate("Winograd") > peak);
    report.claim(
        "the last form is hundreds of times as fast as the first",
        first > 200.0 * rungs[rungs.len() - 1].2,
    );
}

fn chains(report: &mut Report, found: &Found) {
    let row = |name: &str, label: String| {
        let rate = found.one("chains", name);
        vec![label, short(rate), format!("{:.1}", rate / found.one("chains", "one number"))]
    };
    let vectors = machine::CHAINS.map(|n| {
        let plural = if n == 1 { "" } else { "s" };
        row(&n.to_string(), format!("{n} sum{plural} of sixteen numbers each"))
    });
    let rows = [vec![row("one number", "one sum of one number".into())], vectors.to_vec()].concat();
    report.table(&["", "GFLOP/s", "times the first"], &rows);
    report.value("chain-number", short(found.one("chains", "one number")));
    report.value("chain-one", short(found.one("chains", "1")));
    report.value("chain-twelve", short(found.one("chains", "12")));
    report.value("chain-gain", format!("{:.1}", found.one("chains", "12") / found.one("chains", "1")));
    report.claim("twelve chains are more than twice as fast as one", {
        found.one("chains", "12") > 2.0 * found.one("chains", "1")
    });
}

fn reads(report: &mut Report, found: &Found) {
    let peak = found.peaks()[0];
    let rows = machine::SIZES.map(|(name, _)| {
        let rate = found.one("read", name);
        vec![name.to_string(), short(rate), short(peak / rate)]
    });
    report.table(&["read again and again", "GB/s", "operations in the time of a byte"], &rows);
    let [near, .., far] = machine::SIZES;
    report.value("read-near", &rows[0][1]);
    report.value("read-far", &rows[3][1]);
    report.value("ridge", &rows[3][2]);
    report.claim("main memory is slower than the first cache", {
        found.one("read", near.0) > 2.0 * found.one("read", far.0)
    });
}

fn layers(report: &mut Report, found: &Found) {
    let [peak, _] = found.peaks();
    let far = found.one("read", "256 MB");
    let row = |name: &str, intensity: f64, rate: f64| {
        let roof = peak.min(far * intensity);
        vec![name.to_string(), format!("{intensity:.1}"), short(roof), short(rate)]
    };
    let first = row(LADDER.name, LADDER.intensity(), found.one("rung", "Winograd"));
    let others = OTHERS.map(|layer| row(layer.name, layer.intensity(), found.one("layer", layer.name)));
    let rows = [vec![first], others.to_vec()].concat();
    report.table(&["layer, one thread", "operations a byte", "roof, GFLOP/s", "measured"], &rows);
    report.value("roof-linear", &rows[3][2]);
    report.value("rate-linear", &rows[3][3]);
    report.value("rate-depthwise", &rows[2][3]);
}

fn tiles(report: &mut Report, found: &Found) {
    let tiles = found.tiles();
    let (widest, most) = tiles.last().expect("the record has tiles");
    let narrow = tiles.iter().find(|(tile, _)| (tile.pixels, tile.blocks) == (1, widest.blocks));
    let narrow = narrow.expect("the record has a tile of one pixel").1;
    report.value("tile-share", format!("{:.0}", 100.0 * most / found.peaks()[0]));
    report.value("tile-narrow", format!("{:.0}", 100.0 * narrow / found.peaks()[0]));
    report.claim("the widest tile is more than twice as fast as one pixel", *most > 2.0 * narrow);
}
