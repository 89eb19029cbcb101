//! Two ways to give every worker the sum of all workers' numbers, their traffic counted, and the order in which they
//! add.

use super::{
    common::{Report, thousands},
    group::{self, Node, Traffic, Wire},
};
use residual::{Real, rng::Generator};
use std::{collections::HashSet, thread, time::Duration};

// ANCHOR: server
/// Everybody sends all numbers to worker 0, which adds them up in the order of ranks and sends the sum to everybody.
pub fn server<T: Real>(node: &mut Node<T>, numbers: &mut [T]) {
    if node.rank == 0 {
        for worker in 1..node.size {
            add(numbers, &node.receive(worker));
        }
        for worker in 1..node.size {
            node.send(worker, numbers);
        }
    } else {
        node.send(0, numbers);
        numbers.copy_from_slice(&node.receive(0));
    }
}
// ANCHOR_END: server

fn add<T: Real>(numbers: &mut [T], more: &[T]) {
    numbers.iter_mut().zip(more).for_each(|(sum, &x)| *sum += x);
}

// ANCHOR: ring
/// Everybody has one neighbour to send to and one to hear from. After twice K - 1 turns all have the sum.
pub fn ring<T: Real>(node: &mut Node<T>, numbers: &mut [T]) {
    for turn in 0..2 * (node.size - 1) {
        ring_turn(node, numbers, turn);
    }
}

/// One turn: hands a part of the numbers to the right, takes the part before it from the left.
pub fn ring_turn<T: Real>(node: &mut Node<T>, numbers: &mut [T], turn: usize) {
    let (k, rank, len) = (node.size, node.rank, numbers.len());
    let part = |p: usize| p % k * len / k..(p % k + 1) * len / k;
    let (give, take) = (part(rank + 2 * k - turn), part(rank + 2 * k - turn - 1));
    node.send((rank + 1) % k, &numbers[give]);
    let came = node.receive((rank + k - 1) % k);
    if turn < k - 1 {
        add(&mut numbers[take], &came);
    } else {
        numbers[take].copy_from_slice(&came);
    }
}
// ANCHOR_END: ring

/// Numbers of which worker `rank` has its own, the same in every run.
fn own(rank: usize, len: usize) -> Vec<f32> {
    let rng = &mut Generator::new(16, rank as u64);
    (0..len).map(|_| rng.normal() as f32).collect()
}

type AllReduce = fn(&mut Node<f32>, &mut [f32]);

/// What each of `k` workers has, and has sent, after `all_reduce` of `len` numbers.
fn reduced(k: usize, len: usize, all_reduce: AllReduce) -> Vec<(Vec<f32>, Traffic)> {
    group::run(k, Wire::default(), |mut node| {
        let mut numbers = own(node.rank, len);
        all_reduce(&mut node, &mut numbers);
        (numbers, node.sent)
    })
}

/// A whole number of parts for every K of the table.
const LEN: usize = 75_264;

pub fn run(report: &mut Report) {
    report.part("traffic", report_traffic);
    report_orders(report);
}

fn report_traffic(report: &mut Report) {
    let bytes = size_of::<f32>() * LEN;
    report.line(format!("{} numbers, {} bytes", thousands(LEN as u64), thousands(bytes as u64)));
    let (mut rows, mut as_derived) = (Vec::new(), true);
    for k in [2, 4, 8, 16, 32] {
        let [by_server, by_ring] =
            [server::<f32> as AllReduce, ring].map(|all_reduce| reduced(k, LEN, all_reduce));
        let sent = |all: &[(Vec<f32>, Traffic)]| all.iter().map(|(_, sent)| *sent).collect::<Vec<_>>();
        let (servers, rings) = (sent(&by_server), sent(&by_ring));
        as_derived &= servers[0].bytes == (k - 1) * bytes
            && servers[1..].iter().all(|sent| sent.bytes == bytes)
            && rings.iter().all(|sent| sent.messages == 2 * (k - 1) && sent.bytes * k == 2 * (k - 1) * bytes);
        let cells = [servers[0].bytes, servers[1].bytes, rings[0].bytes, rings[0].messages];
        rows.push([vec![k.to_string()], cells.map(|n| thousands(n as u64)).to_vec()].concat());
        if k == 32 {
            let of_all = |sent: &[Traffic]| sent.iter().map(|sent| sent.bytes).sum::<usize>();
            report.claim("both move the same number of bytes in all, 2 (K - 1) times the gradient's", {
                [&servers, &rings].map(|sent| of_all(sent)) == [2 * (k - 1) * bytes; 2]
            });
            report.value("server-sends", thousands(servers[0].bytes as u64));
            report.value("ring-sends", thousands(rings[0].bytes as u64));
        }
    }
    report.table(&["workers", "the server sends", "another sends", "in the ring each", "messages"], &rows);
    report.claim("every worker of a ring of K sends 2 (K - 1) / K of its bytes, counted", as_derived);
}

/// Which bits the two ways give, and whether they give them again.
fn report_orders(report: &mut Report) {
    const K: usize = 8;
    let [by_server, by_ring] = [server::<f32> as AllReduce, ring].map(|way| reduced(K, LEN, way));
    let bits = |numbers: &[f32]| numbers.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    let all_same = |all: &[(Vec<f32>, Traffic)]| all.iter().all(|(x, _)| bits(x) == bits(&all[0].0));
    report.claim("after an all-reduce all workers have the same bits", {
        all_same(&by_server) && all_same(&by_ring)
    });
    report.value("orders-apart", percent_apart(&by_server[0].0, &by_ring[0].0));
    report.claim(
        "the ring gives the same bits again, whoever is late",
        (1..=5).all(|seed| late(seed) == late(0)),
    );

    // A server that adds what comes in the order in which it comes.
    let arrivals: HashSet<_> = (0..100)
        .map(|seed| {
            let mut order: Vec<_> = (1..K).collect();
            Generator::new(seed, 16).shuffle(&mut order);
            let mut sum = own(0, 1000);
            order.iter().for_each(|&rank| add(&mut sum, &own(rank, 1000)));
            bits(&sum)
        })
        .collect();
    report.value("arrival-results", arrivals.len());
    report.claim("added in order of arrival, nearly every run differs", arrivals.len() > 90);
}

/// The ring's sum where workers dawdle, each turn for as long as `seed` says.
fn late(seed: u64) -> Vec<u32> {
    let sums = group::run(4, Wire::default(), |mut node: Node<f32>| {
        let mut numbers = own(node.rank, 1000);
        let rng = &mut Generator::new(seed, node.rank as u64);
        for turn in 0..2 * (node.size - 1) {
            thread::sleep(Duration::from_micros(rng.below(1000) as u64));
            ring_turn(&mut node, &mut numbers, turn);
        }
        numbers
    });
    sums[0].iter().map(|x| x.to_bits()).collect()
}

/// How many of the numbers differ in a bit, in per cent.
pub fn percent_apart<T: Real>(a: &[T], b: &[T]) -> String {
    let apart = a.iter().zip(b).filter(|(a, b)| a != b).count();
    format!("~{:.0}", 100.0 * apart as f64 / a.len() as f64)
}
