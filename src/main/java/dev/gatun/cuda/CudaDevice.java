package dev.gatun.cuda;

import dev.gatun.bindings.cuda.CudaRuntime;
import dev.gatun.bindings.cuda.cudaDeviceProp;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * A GPU. It names a device and owns nothing, so there is nothing to close; two objects of one ordinal are equal and
 * exchangeable. CUDA sets up its context, some hundred megabytes of GPU memory, with the first thing made on the device,
 * and keeps it until the process ends.
 */
public final class CudaDevice {
    private static final int PCI_ADDRESS_BYTES = 32;
    private static final String BLOCKING = "CUDA_LAUNCH_BLOCKING";

    private final int ordinal;
    private final DeviceProperties properties;

    CudaDevice(int ordinal, DeviceProperties properties) {
        this.ordinal = ordinal;
        this.properties = properties;
    }

    /**
     * Opens a GPU by its number. {@code CUDA_VISIBLE_DEVICES} hides GPUs and renumbers the others.
     *
     * @param ordinal from 0 on
     * @throws IllegalArgumentException if no GPU has this number
     * @throws CudaException if there is no driver, or no GPU at all
     * @throws dev.gatun.natives.NativeLibraryException if the CUDA runtime cannot be loaded
     */
    public static CudaDevice open(int ordinal) {
        int count = count();
        if (ordinal < 0 || ordinal >= count) {
            throw new IllegalArgumentException("GPUs are numbered from 0 to " + (count - 1) + ": " + ordinal);
        }
        return describe(ordinal);
    }

    /**
     * All GPUs, of whatever generation.
     *
     * @throws CudaException if there is no driver, or no GPU at all
     * @throws dev.gatun.natives.NativeLibraryException if the CUDA runtime cannot be loaded
     */
    public static List<CudaDevice> list() {
        return IntStream.range(0, count()).mapToObj(CudaDevice::describe).toList();
    }

    private static int count() {
        LinkedRuntime.require();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment count = arena.allocate(ValueLayout.JAVA_INT);
            CudaException.check(CudaRuntime.cudaGetDeviceCount(count), "counting the GPUs");
            return count.get(ValueLayout.JAVA_INT, 0);
        }
    }

    private static CudaDevice describe(int ordinal) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment properties = cudaDeviceProp.allocate(arena);
            CudaException.check(
                    CudaRuntime.cudaGetDeviceProperties(properties, ordinal),
                    "reading the properties of GPU " + ordinal);
            MemorySegment address = arena.allocate(PCI_ADDRESS_BYTES);
            CudaException.check(
                    CudaRuntime.cudaDeviceGetPCIBusId(address, PCI_ADDRESS_BYTES, ordinal),
                    "reading the PCI address of GPU " + ordinal);
            return new CudaDevice(
                    ordinal,
                    DeviceProperties.of(properties, address.getString(0).toLowerCase(Locale.ROOT)));
        }
    }

    /** Its number. */
    public int ordinal() {
        return ordinal;
    }

    /** What it is. */
    public DeviceProperties properties() {
        return properties;
    }

    /**
     * Bytes of its memory that are free now, which other programs take from as well.
     *
     * @throws CudaException if CUDA cannot be started on the device
     */
    public long freeMemory() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment free = arena.allocate(ValueLayout.JAVA_LONG);
            MemorySegment total = arena.allocate(ValueLayout.JAVA_LONG);
            makeCurrent();
            CudaException.check(CudaRuntime.cudaMemGetInfo(free, total), "reading the free memory of " + this);
            return free.get(ValueLayout.JAVA_LONG, 0);
        }
    }

    /**
     * Whether a kernel may wait for something that the host does after the launch: launches return before their kernels have
     * ended, which {@value #BLOCKING} changes, and kernels may run for long, which they may not on a GPU that serves a display.
     *
     * @throws CudaException if CUDA cannot be started on the device
     */
    public boolean mayWaitForHost() {
        return System.getenv().getOrDefault(BLOCKING, "0").equals("0") && !limitsKernels();
    }

    private boolean limitsKernels() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment value = arena.allocate(ValueLayout.JAVA_INT);
            CudaException.check(
                    CudaRuntime.cudaDeviceGetAttribute(value, CudaRuntime.cudaDevAttrKernelExecTimeout(), ordinal),
                    "asking whether " + this + " limits the time of kernels");
            return value.get(ValueLayout.JAVA_INT, 0) != 0;
        }
    }

    /**
     * The priorities that its streams can have.
     *
     * @throws CudaException if CUDA cannot be started on the device
     */
    public StreamPriorities streamPriorities() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment lowest = arena.allocate(ValueLayout.JAVA_INT);
            MemorySegment highest = arena.allocate(ValueLayout.JAVA_INT);
            makeCurrent();
            CudaException.check(
                    CudaRuntime.cudaDeviceGetStreamPriorityRange(lowest, highest),
                    "reading the stream priorities of " + this);
            return new StreamPriorities(lowest.get(ValueLayout.JAVA_INT, 0), highest.get(ValueLayout.JAVA_INT, 0));
        }
    }

    /**
     * Sets how much local memory the driver keeps for each of the threads that the device can run at once. Unless told it keeps
     * 1 KiB, which takes 277 MB of an H200. A kernel that needs more has the driver take it at the first launch, which
     * waits for all work on the device; it keeps that then. All code of this process shares the setting, and kernels whose need
     * no compiler knows, recursive ones, have no more than it.
     *
     * @param bytesPerThread 0 or more; for kernels that are known, the most that any of them needs
     *     ({@link KernelAttributes#localMemory()})
     * @throws CudaException if CUDA cannot be started on the device, or has not so much memory
     */
    public void keepLocalMemory(long bytesPerThread) {
        if (bytesPerThread < 0) {
            throw new IllegalArgumentException("local memory of a thread: " + bytesPerThread + " bytes");
        }
        makeCurrent();
        CudaException.check(
                CudaRuntime.cudaDeviceSetLimit(CudaRuntime.cudaLimitStackSize(), bytesPerThread),
                "keeping " + bytesPerThread + " bytes of local memory a thread on " + this);
    }

    /**
     * Waits for all work on the device, that of other libraries in this process included.
     *
     * @throws CudaException if some of it failed
     */
    public void synchronize() {
        makeCurrent();
        CudaException.check(CudaRuntime.cudaDeviceSynchronize(), "waiting for " + this);
    }

    /** Makes the device current for this thread, which calls that name no stream go by. */
    void makeCurrent() {
        int code = CudaRuntime.cudaSetDevice(ordinal);
        if (code != CudaRuntime.cudaSuccess()) {
            throw CudaException.of(code, "use of " + this);
        }
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof CudaDevice device && device.ordinal == ordinal;
    }

    @Override
    public int hashCode() {
        return Integer.hashCode(ordinal);
    }

    /** Number and name: {@code "GPU 0 (NVIDIA H100 80GB HBM3)"}. */
    @Override
    public String toString() {
        return "GPU " + ordinal + " (" + properties.name() + ")";
    }
}
