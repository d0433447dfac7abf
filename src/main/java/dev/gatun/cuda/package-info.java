/**
 * The CUDA runtime from plain Java: devices, streams, events, memory, kernels and graphs.
 *
 * <p>{@link dev.gatun.cuda.CudaAvailability} says whether there is a GPU to work with, and why not; everything else begins
 * at {@link dev.gatun.cuda.CudaDevice}. The module needs {@code --enable-native-access=dev.gatun} and NVIDIA's driver, but
 * no toolkit: the runtime library travels in the jar.
 *
 * <p>Whoever makes a stream, an event, memory, a module, arguments or a graph closes it, from any thread; a second
 * {@code close} does nothing. Unless a class says otherwise, its methods may be called from any thread. Closing waits for
 * the calls in progress and for the work that still uses the thing closed, so nothing is freed under a running copy or
 * kernel. What can be seen to be wrong is refused before the driver is asked: {@link java.lang.IllegalStateException} for
 * use after close, {@link java.lang.IndexOutOfBoundsException} for ranges outside of memory, and
 * {@link java.lang.IllegalArgumentException} for what does not fit together. Everything that the driver refuses is a
 * {@link dev.gatun.cuda.CudaException}. Work runs asynchronously, so its failure is reported by a later call.
 *
 * <p>Calls may change which device is current for the calling thread, as {@code cudaSetDevice} does.
 */
package dev.gatun.cuda;
