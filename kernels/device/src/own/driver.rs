//! What the kernels need of the driver: a context of their own, memory, launches and graphs.
//!
//! The context is not the one that candle computes in. A kernel that reads what is not there ruins its context for good, and so can be
//! tried without harm to anything else. Everything made in it (memory, modules, streams, graphs) is freed with it.

use std::ffi::{CString, c_void};
use std::ptr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use candle_core::cuda_backend::cudarc::driver::sys::{
    self, CUdevice_attribute as Attribute, CUfunction_attribute,
};
use candle_core::cuda_backend::cudarc::driver::{CudaContext, DriverError, result};
use portcullis::encode::failure;
use portcullis_kernels::device::{Failure, FailureKind};

use super::plan::Gpu;

/// The kernels, compiled by build.rs.
static CODE: Aligned<[u8; include_bytes!(concat!(env!("OUT_DIR"), "/encoder.fatbin")).len()]> =
    Aligned(*include_bytes!(concat!(env!("OUT_DIR"), "/encoder.fatbin")));

#[repr(align(64))]
struct Aligned<T>(T);

/// Memory of the device.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Room {
    pub(super) at: u64,
    pub(super) bytes: usize,
}

/// Memory of the processor that the device copies from and to.
#[derive(Debug)]
pub(super) struct Pinned {
    at: *mut u32,
    numbers: usize,
}

/// A kernel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kernel(sys::CUfunction);

/// A recorded graph.
#[derive(Debug)]
pub(super) struct Graph(sys::CUgraphExec);

/// How a kernel is launched.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) grid: (usize, usize, usize),
    pub(super) threads: usize,
    pub(super) shared: usize,
    /// Whether it may begin before the kernel before it ends.
    pub(super) early: bool,
}

/// The device, with a context, a stream and the kernels.
#[derive(Debug)]
pub(super) struct Driver {
    context: Arc<CudaContext>,
    stream: sys::CUstream,
    module: sys::CUmodule,
    event: sys::CUevent,
    pub(super) gpu: Gpu,
}

// SAFETY: handles of the driver may be used from any thread in which their context is current, and `enter` makes it that.
unsafe impl Send for Driver {}
// SAFETY: as above; pinned memory is plain memory.
unsafe impl Send for Pinned {}
// SAFETY: as for the driver.
unsafe impl Send for Graph {}
// SAFETY: as for the driver.
unsafe impl Send for Kernel {}

/// Makes the thread's context what it was when this is dropped: what else is done in it with CUDA is not ours.
pub(super) struct Entered(Option<sys::CUcontext>);

impl Entered {
    /// Keeps in mind which context is current.
    pub(super) fn now() -> Result<Self, Failure> {
        told(result::init())?;
        // One that is gone counts as none.
        Ok(Self(result::ctx::get_current().ok().flatten()))
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        // SAFETY: the context was current before, or there was none, which null stands for.
        let _ = unsafe { result::ctx::set_current(self.0.unwrap_or(ptr::null_mut())) };
    }
}

impl Driver {
    /// A context of its own on the GPU of this number. It is current after this.
    pub(super) fn open(ordinal: usize) -> Result<Self, Failure> {
        let context = told(CudaContext::new_non_primary(ordinal, 0))?;
        told(context.bind_to_thread())?;
        let of = |attribute| told(context.attribute(attribute));
        let size = |attribute| of(attribute).map(|size| usize::try_from(size).unwrap_or_default());
        let gpu = Gpu {
            processors: size(Attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)?,
            block_shared: size(Attribute::CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN)?,
            processor_shared: size(Attribute::CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR)?,
            capability: (
                of(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?,
                of(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?,
            ),
        };
        let stream = told(result::stream::create(result::stream::StreamKind::NonBlocking))?;
        let event = told(result::event::create(sys::CUevent_flags::CU_EVENT_DISABLE_TIMING))?;
        // SAFETY: the bytes are a whole file of nvcc's, which tells its own length.
        let module = told(unsafe { result::module::load_data(CODE.0.as_ptr().cast::<c_void>()) })?;
        Ok(Self { context, stream, module, event, gpu })
    }

    /// Makes the context current until the answer is dropped.
    pub(super) fn enter(&self) -> Result<Entered, Failure> {
        let entered = Entered::now()?;
        told(self.context.bind_to_thread())?;
        Ok(entered)
    }

    /// The context is not freed with this: it may be at work for ever.
    pub(super) fn abandon(&self) {
        std::mem::forget(self.context.clone());
    }

    /// The kernel of this name, which may be launched with so much shared memory.
    pub(super) fn kernel(&self, name: &str, shared: usize) -> Result<Kernel, Failure> {
        let c_name =
            CString::new(name).map_err(|error| Failure::new(FailureKind::Other, error.to_string()))?;
        // SAFETY: the module is loaded.
        let function = told(unsafe { result::module::get_function(self.module, c_name) })?;
        let attribute = CUfunction_attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
        // SAFETY: the function is one of a loaded module.
        told(unsafe { result::function::set_function_attribute(function, attribute, number(shared)) })?;
        Ok(Kernel(function))
    }

    /// Memory of the device, of which nothing is written.
    pub(super) fn room(&self, bytes: usize) -> Result<Room, Failure> {
        // SAFETY: nothing is read before it is written by copies and kernels.
        let at = told(unsafe { result::malloc_sync(bytes.max(16)) })?;
        Ok(Room { at, bytes })
    }

    /// Frees memory; nothing uses it any more.
    pub(super) fn free(&self, room: Room) {
        // SAFETY: the caller's promise; work of the stream that uses it was waited for.
        let _ = unsafe { result::free_sync(room.at) };
    }

    /// Memory of the processor for so many numbers, all zeros.
    pub(super) fn pinned(&self, numbers: usize) -> Result<Pinned, Failure> {
        let numbers = numbers.max(4);
        // SAFETY: the size is not zero.
        let at = told(unsafe { result::malloc_host(numbers * 4, 0) })?.cast::<u32>();
        // SAFETY: so many numbers were allocated, and nothing else knows of them.
        unsafe { ptr::write_bytes(at, 0, numbers) };
        Ok(Pinned { at, numbers })
    }

    /// Frees it.
    pub(super) fn free_pinned(&self, pinned: Pinned) {
        // SAFETY: it was allocated by `pinned`, and work of the stream that uses it was waited for.
        let _ = unsafe { result::free_host(pinned.at.cast()) };
    }

    /// Copies to the device before this returns.
    pub(super) fn write(&self, bytes: &[u8], to: u64) -> Result<(), Failure> {
        // SAFETY: the caller has that much room there.
        told(unsafe { result::memcpy_htod_sync(to, bytes) })
    }

    /// Copies the first numbers to the device, in the stream.
    pub(super) fn send(&self, from: &Pinned, numbers: usize, to: u64) -> Result<(), Failure> {
        let from = from.numbers().get(..numbers).unwrap_or_default();
        // SAFETY: the caller has that much room there, and changes what is pinned only after it has waited.
        told(unsafe { result::memcpy_htod_async(to, from, self.stream) })
    }

    /// Copies from the device to the first numbers, in the stream.
    pub(super) fn fetch(&self, from: u64, numbers: usize, to: &mut Pinned) -> Result<(), Failure> {
        let to = to.numbers_mut().get_mut(..numbers).unwrap_or_default();
        // SAFETY: the caller has that many numbers there, and reads what is pinned only after it has waited.
        told(unsafe { result::memcpy_dtoh_async(to, from, self.stream) })
    }

    /// Fills bytes of the device, in the stream.
    pub(super) fn fill(&self, to: u64, byte: u8, bytes: usize) -> Result<(), Failure> {
        // SAFETY: the caller has that much room there.
        told(unsafe { result::memset_d8_async(to, byte, bytes, self.stream) })
    }

    /// Launches a kernel in the stream.
    ///
    /// # Safety
    /// `T` is what the kernel takes, its places are the device's, and there is room for what a grid of this size reads and writes.
    pub(super) unsafe fn launch<T: Copy>(
        &self,
        kernel: Kernel,
        shape: &Shape,
        arguments: &T,
    ) -> Result<(), Failure> {
        let mut attribute = sys::CUlaunchAttribute {
            id: sys::CUlaunchAttributeID::CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION,
            pad: [0; 4],
            value: sys::CUlaunchAttributeValue { programmaticStreamSerializationAllowed: 1 },
        };
        let size = |size: usize| u32::try_from(size).unwrap_or(u32::MAX);
        let config = sys::CUlaunchConfig {
            gridDimX: size(shape.grid.0),
            gridDimY: size(shape.grid.1),
            gridDimZ: size(shape.grid.2),
            blockDimX: size(shape.threads),
            blockDimY: 1,
            blockDimZ: 1,
            sharedMemBytes: size(shape.shared),
            hStream: self.stream,
            attrs: &raw mut attribute,
            numAttrs: u32::from(shape.early),
        };
        let mut parameters = [ptr::from_ref(arguments).cast_mut().cast::<c_void>()];
        // SAFETY: the driver copies the one parameter, of the kernel's type by the caller's promise, before it returns.
        told(
            unsafe {
                sys::cuLaunchKernelEx(&raw const config, kernel.0, parameters.as_mut_ptr(), ptr::null_mut())
            }
            .result(),
        )
    }

    /// Records what `work` puts into the stream as a graph.
    pub(super) fn record(&self, work: impl FnOnce() -> Result<(), Failure>) -> Result<Graph, Failure> {
        let mode = sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
        // SAFETY: the stream is ours, and nothing is recorded in it.
        told(unsafe { result::stream::begin_capture(self.stream, mode) })?;
        let worked = work();
        // SAFETY: recording has begun; it has to end whatever became of the work.
        let graph = told(unsafe { result::stream::end_capture(self.stream) });
        worked?;
        let graph = graph?;
        // SAFETY: the graph is one that was just recorded.
        let made = told(unsafe { result::graph::instantiate(graph, sys::CUgraphInstantiate_flags(0)) });
        // SAFETY: the graph is ours, and what was made of it does not need it.
        let _ = unsafe { result::graph::destroy(graph) };
        made.map(Graph)
    }

    /// Puts a graph into the stream.
    pub(super) fn replay(&self, graph: &Graph) -> Result<(), Failure> {
        // SAFETY: the graph is recorded in this context and not freed.
        told(unsafe { result::graph::launch(graph.0, self.stream) })
    }

    /// Frees a graph that is not at work.
    pub(super) fn forget(&self, graph: Graph) {
        // SAFETY: it was made by `record`, and is given away here.
        let _ = unsafe { result::graph::exec_destroy(graph.0) };
    }

    /// Waits for the stream, for at most so long where that is said.
    pub(super) fn wait(&self, most: Option<Duration>) -> Result<(), Failure> {
        let Some(most) = most else {
            // SAFETY: the stream is ours.
            return told(unsafe { result::stream::synchronize(self.stream) });
        };
        let late = || Err(Failure::new(FailureKind::Lost, format!("kernels did not end in {most:?}")));
        self.settled(most).unwrap_or_else(late)
    }

    /// How the work of the stream ended; nothing where it has not within so long.
    pub(super) fn settled(&self, most: Duration) -> Option<Result<(), Failure>> {
        // SAFETY: both are ours.
        let recorded = unsafe { result::event::record(self.event, self.stream) };
        if recorded.is_err() {
            return Some(told(recorded));
        }
        let start = Instant::now();
        loop {
            // SAFETY: the event is ours, and recorded.
            match unsafe { result::event::query(self.event) } {
                Err(DriverError(sys::CUresult::CUDA_ERROR_NOT_READY)) if start.elapsed() < most => {
                    std::thread::yield_now();
                }
                Err(DriverError(sys::CUresult::CUDA_ERROR_NOT_READY)) => return None,
                done => return Some(told(done)),
            }
        }
    }
}

impl Pinned {
    pub(super) fn numbers(&self) -> &[u32] {
        // SAFETY: so many numbers were allocated and written; what the device writes is waited for before it is read.
        unsafe { std::slice::from_raw_parts(self.at, self.numbers) }
    }

    pub(super) fn numbers_mut(&mut self) -> &mut [u32] {
        // SAFETY: as above; nothing else is a view of it.
        unsafe { std::slice::from_raw_parts_mut(self.at, self.numbers) }
    }

    /// Numbers from `at` on, in floating point.
    pub(super) fn floats(&self, at: usize, count: usize) -> &[f32] {
        let numbers = self.numbers().get(at..).and_then(|rest| rest.get(..count)).unwrap_or_default();
        // SAFETY: both are of 32 bits, and any bits are a number in floating point.
        unsafe { std::slice::from_raw_parts(numbers.as_ptr().cast(), numbers.len()) }
    }
}

fn number(size: usize) -> i32 {
    i32::try_from(size).unwrap_or(i32::MAX)
}

/// The driver's error as a failure.
fn told<T>(result: Result<T, DriverError>) -> Result<T, Failure> {
    result.map_err(|error| failure(&error))
}
