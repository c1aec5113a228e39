//! Batches through the kernels: small ones by recorded graphs, large ones part by part; one copy to the device, one back.

use std::collections::HashMap;
use std::ops::Range;
use std::time::Duration;

use portcullis_kernels::device::{Failure, FailureKind};

use super::choice;
use super::driver::{Driver, Graph, Pinned, Room};
use super::launch::{Encoder, Extent, Kernels, Part, Workspace};
use super::plan::{HIDDEN, MOST_POSITIONS, Plan};
use super::staging::{Bucket, MOST_GRAPH_SEQUENCES, MOST_GRAPH_TOKENS, Places, flights, parts, tiles};

/// Numbers before the answers: the first is not zero where a kernel gave up.
const BEFORE: usize = 4;

/// How a batch is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Way {
    /// By a graph of this plan, whose kernels may begin before the one before them ends.
    Graph { plan: usize, early: bool },
    /// By launches of this plan.
    Plain { plan: usize },
}

/// Which way is used up to which number of tokens.
pub(super) type Chosen = Vec<(usize, Way)>;

/// The encoder with its memory.
#[derive(Debug)]
pub(super) struct Runner {
    pub(super) driver: Driver,
    encoder: Encoder,
    /// Of the plans that fit the device, and their places among all.
    kernels: Vec<(usize, Kernels)>,
    /// For graphs, which are recorded with these places.
    small: (Workspace, Transfer),
    large: Option<Workspace>,
    transfer: Option<Transfer>,
    graphs: HashMap<(Bucket, Way), Graph>,
    pub(super) graphs_chosen: Chosen,
    pub(super) parts_chosen: Chosen,
    /// For how long a batch is waited for, while the kernels are not trusted.
    pub(super) patience: Option<Duration>,
}

/// What is copied to the device and back.
#[derive(Debug)]
struct Transfer {
    up: Pinned,
    sent: Room,
    down: Pinned,
    found: Room,
}

impl Transfer {
    fn new(driver: &Driver, up: usize, down: usize) -> Result<Self, Failure> {
        let (sent, found) = (driver.room(up * 4)?, driver.room(down * 4)?);
        Ok(Self { up: driver.pinned(up)?, sent, down: driver.pinned(down)?, found })
    }

    fn free(self, driver: &Driver) {
        driver.free(self.sent);
        driver.free(self.found);
        driver.free_pinned(self.up);
        driver.free_pinned(self.down);
    }

    /// The part whose numbers lie at `at`, with room for so many `sequences` of which these are from `first` on.
    fn part(
        &self,
        at: usize,
        places: &Places,
        first: usize,
        sequences: usize,
        heads: usize,
        means: usize,
    ) -> Part {
        let sent = |place: usize| self.sent.at + (at + place) as u64 * 4;
        let found = |place: usize| self.found.at + place as u64 * 4;
        Part {
            counts: sent(0),
            bounds: sent(places.bounds),
            ids: sent(places.ids),
            positions: sent(places.positions),
            tiles: sent(places.tiles),
            logits: found(BEFORE + first * heads),
            means: found(BEFORE + sequences * heads + first * means),
            trouble: found(0),
        }
    }
}

impl Runner {
    /// # Errors
    /// [`Failure`].
    pub(super) fn new(
        driver: Driver,
        encoder: Encoder,
        kernels: Vec<(usize, Kernels)>,
    ) -> Result<Self, Failure> {
        let width = encoder.width();
        let work = Workspace::new(&driver, MOST_GRAPH_TOKENS, encoder.after.len() + 1)?;
        let most_tiles = MOST_GRAPH_TOKENS / 16 + MOST_GRAPH_SEQUENCES;
        let up = Places::of(MOST_GRAPH_TOKENS, MOST_GRAPH_SEQUENCES, most_tiles).end;
        let transfer =
            Transfer::new(&driver, up, BEFORE + MOST_GRAPH_SEQUENCES * (encoder.model.heads + width))?;
        Ok(Self {
            driver,
            encoder,
            kernels,
            small: (work, transfer),
            large: None,
            transfer: None,
            graphs: HashMap::new(),
            graphs_chosen: Vec::new(),
            parts_chosen: Vec::new(),
            patience: None,
        })
    }

    /// The plans of the device, by their places among all.
    pub(super) fn plans(&self) -> impl Iterator<Item = (usize, Plan)> {
        self.kernels.iter().map(|(place, kernels)| (*place, kernels.plan))
    }

    pub(super) fn heads(&self) -> usize {
        self.encoder.model.heads
    }

    /// Numbers of the means of a sequence's states.
    pub(super) fn width(&self) -> usize {
        self.encoder.width()
    }

    /// What kernels have yet to write is no number.
    pub(super) fn poison(&self) -> Result<(), Failure> {
        let (work, transfer) = &self.small;
        let rooms = [Some(work.room), Some(transfer.found), self.large.map(|work| work.room)];
        let more = self.transfer.as_ref().map(|transfer| transfer.found);
        rooms
            .into_iter()
            .chain([more])
            .flatten()
            .try_for_each(|room| self.driver.fill(room.at, 0xff, room.bytes))
    }

    /// Frees the graphs.
    pub(super) fn forget(&mut self) {
        self.graphs.drain().for_each(|(_, graph)| self.driver.forget(graph));
    }

    /// Writes the logits and the means of the states of each sequence, in the way that was chosen for so many tokens.
    ///
    /// # Errors
    /// [`Failure`].
    pub(super) fn answer(
        &mut self,
        ids: &[u32],
        bounds: &[usize],
        logits: &mut [f32],
        means: &mut [f32],
    ) -> Result<(), Failure> {
        if ids.is_empty() {
            return Ok(());
        }
        let bucket = Bucket::of(ids.len(), bounds.len().saturating_sub(1));
        match bucket.and_then(|_| choice::at(&self.graphs_chosen, ids.len())) {
            Some(way) => self.answer_by(way, ids, bounds, logits, means),
            None => {
                let chosen = std::mem::take(&mut self.parts_chosen);
                let answered = self.by_parts(&chosen, ids, bounds, logits, means);
                self.parts_chosen = chosen;
                answered
            }
        }
    }

    /// As [`Runner::answer`], in this way.
    ///
    /// # Errors
    /// [`Failure`].
    pub(super) fn answer_by(
        &mut self,
        way: Way,
        ids: &[u32],
        bounds: &[usize],
        logits: &mut [f32],
        means: &mut [f32],
    ) -> Result<(), Failure> {
        match way {
            Way::Graph { plan, early } => self.by_graph(way, plan, early, ids, bounds, logits, means),
            Way::Plain { .. } => self.by_parts(&[(usize::MAX, way)], ids, bounds, logits, means),
        }
    }

    #[allow(clippy::too_many_arguments, reason = "what is asked, by which way, and where the answer goes")]
    fn by_graph(
        &mut self,
        way: Way,
        plan: usize,
        early: bool,
        ids: &[u32],
        bounds: &[usize],
        logits: &mut [f32],
        means: &mut [f32],
    ) -> Result<(), Failure> {
        let sequences = bounds.len().saturating_sub(1);
        let bucket =
            Bucket::of(ids.len(), sequences).ok_or_else(|| other("the batch is too large for a graph"))?;
        let (heads, width, kernels) = (self.heads(), self.width(), self.kernels(plan)?);
        let rows = kernels.plan.attention.rows;
        let extent = Extent { tokens: bucket.tokens, sequences: bucket.sequences, tiles: bucket.tiles(rows) };
        let places = Places::of(extent.tokens, extent.sequences, extent.tiles);
        let count = BEFORE + bucket.sequences * (heads + width);
        let Self { driver, encoder, small: (work, transfer), graphs, .. } = self;
        places
            .write(ids, bounds, rows, transfer.up.numbers_mut())
            .ok_or_else(|| other("the batch was not written"))?;
        let graph = match graphs.entry((bucket, way)) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => {
                let part = transfer.part(0, &places, 0, bucket.sequences, heads, width);
                entry.insert(driver.record(|| {
                    driver.send(&transfer.up, places.end, transfer.sent.at)?;
                    encoder.launch(driver, &kernels, work, &part, &extent, early)?;
                    driver.fetch(transfer.found.at, count, &mut transfer.down)
                })?)
            }
        };
        driver.replay(graph)?;
        driver.wait(self.patience)?;
        copy(transfer.down.floats(BEFORE, sequences * heads), logits)?;
        copy(transfer.down.floats(BEFORE + bucket.sequences * heads, sequences * width), means)
    }

    fn by_parts(
        &mut self,
        chosen: &[(usize, Way)],
        ids: &[u32],
        bounds: &[usize],
        logits: &mut [f32],
        means: &mut [f32],
    ) -> Result<(), Failure> {
        let (heads, width) = (self.heads(), self.width());
        for flight in flights(bounds) {
            let of = |each: usize| flight.start * each..flight.end * each;
            let room = logits.get_mut(of(heads)).zip(means.get_mut(of(width)));
            let (logits, means) = room.ok_or_else(|| other("there is no room for the answers"))?;
            self.fly(chosen, ids, bounds, flight, logits, means)?;
        }
        Ok(())
    }

    /// One flight: a copy to the device, its parts, a copy back.
    fn fly(
        &mut self,
        chosen: &[(usize, Way)],
        ids: &[u32],
        bounds: &[usize],
        flight: Range<usize>,
        logits: &mut [f32],
        means: &mut [f32],
    ) -> Result<(), Failure> {
        let (heads, width, sequences) = (self.heads(), self.width(), flight.len());
        let mut planned = Vec::new();
        let (mut up, mut most) = (0, 0);
        for part in parts(bounds, flight.clone(), self.driver.gpu.tokens_at_once()) {
            let own = bounds.get(part.start..=part.end).unwrap_or_default();
            let tokens = own.last().zip(own.first()).map_or(0, |(end, start)| end - start);
            let Some(Way::Plain { plan }) = choice::at(chosen, tokens) else {
                return Err(other("no plan is used for so many tokens"));
            };
            let kernels = self.kernels(plan)?;
            let extent =
                Extent { tokens, sequences: part.len(), tiles: tiles(own, kernels.plan.attention.rows) };
            let places = Places::of(extent.tokens, extent.sequences, extent.tiles);
            planned.push((up, part.start - flight.start, own, kernels, extent, places));
            (up, most) = (up + places.end, most.max(tokens));
        }
        let down = BEFORE + sequences * (heads + width);
        self.make_room(most, up, down)?;
        let Self { driver, encoder, large: Some(work), transfer: Some(transfer), .. } = self else {
            return Err(other("there is no memory for the batch"));
        };
        for (at, _, own, kernels, _, places) in &planned {
            let to = transfer.up.numbers_mut().get_mut(*at..at + places.end);
            to.and_then(|to| places.write(ids, own, kernels.plan.attention.rows, to))
                .ok_or_else(|| other("the batch was not written"))?;
        }
        driver.send(&transfer.up, up, transfer.sent.at)?;
        driver.fill(transfer.found.at, 0, BEFORE * 4)?;
        for (at, first, _, kernels, extent, places) in &planned {
            let part = transfer.part(*at, places, *first, sequences, heads, width);
            encoder.launch(driver, kernels, work, &part, extent, false)?;
        }
        driver.fetch(transfer.found.at, down, &mut transfer.down)?;
        driver.wait(self.patience)?;
        if transfer.down.numbers().first() != Some(&0) {
            return Err(other("a kernel waited for a copy that never came"));
        }
        copy(transfer.down.floats(BEFORE, sequences * heads), logits)?;
        copy(transfer.down.floats(BEFORE + sequences * heads, sequences * width), means)
    }

    /// Has memory for parts of so many tokens, and for so many numbers to be copied up and down.
    fn make_room(&mut self, tokens: usize, up: usize, down: usize) -> Result<(), Failure> {
        let most = self.driver.gpu.tokens_at_once() + MOST_POSITIONS;
        if self.large.is_none_or(|work| work.tokens < tokens) {
            // What was is freed first, or there would have to be room for both.
            self.large.take().into_iter().for_each(|work| self.driver.free(work.room));
            let tokens = tokens.next_power_of_two().min(most).max(tokens);
            self.large = Some(Workspace::new(&self.driver, tokens, self.encoder.after.len() + 1)?);
        }
        let fits =
            |transfer: &Transfer| up <= transfer.up.numbers().len() && down <= transfer.down.numbers().len();
        if !self.transfer.as_ref().is_some_and(fits) {
            let (before_up, before_down) =
                self.transfer.as_ref().map_or((0, 0), |of| (of.up.numbers().len(), of.down.numbers().len()));
            self.transfer.take().into_iter().for_each(|transfer| transfer.free(&self.driver));
            let size = |now: usize, before: usize| now.max(before).next_power_of_two();
            self.transfer = Some(Transfer::new(&self.driver, size(up, before_up), size(down, before_down))?);
        }
        Ok(())
    }

    fn kernels(&self, plan: usize) -> Result<Kernels, Failure> {
        let found = self.kernels.iter().find(|(place, _)| *place == plan);
        found.map(|(_, kernels)| *kernels).ok_or_else(|| other("the plan does not fit the device"))
    }
}

impl Encoder {
    /// Numbers of the means of a sequence's states.
    fn width(&self) -> usize {
        (self.after.len() + 1) * HIDDEN
    }
}

fn copy(from: &[f32], to: &mut [f32]) -> Result<(), Failure> {
    match from.len() == to.len() {
        true => to.copy_from_slice(from),
        false => return Err(other("there is room for another number of answers")),
    }
    Ok(())
}

/// A failure that is no fault of the device's.
fn other(what: &str) -> Failure {
    Failure::new(FailureKind::Other, what)
}
