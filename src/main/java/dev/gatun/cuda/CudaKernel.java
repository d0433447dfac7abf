package dev.gatun.cuda;

import dev.gatun.bindings.cuda.CudaRuntime;
import dev.gatun.bindings.cuda.cudaFuncAttributes;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/** A function of a {@link CudaModule} that can be launched. It owns nothing: it is of use as long as the module is open. */
public final class CudaKernel {
    private final CudaModule module;
    private final String name;
    private final MemorySegment handle;
    private final KernelAttributes attributes;
    private final List<Long> parameterSizes;

    /** Bytes of dynamic shared memory that launches may ask for at present. */
    private volatile int allowedSharedMemory;

    private CudaKernel(
            CudaModule module,
            String name,
            MemorySegment handle,
            KernelAttributes attributes,
            List<Long> parameterSizes,
            int allowedSharedMemory) {
        this.module = module;
        this.name = name;
        this.handle = handle;
        this.attributes = attributes;
        this.parameterSizes = parameterSizes;
        this.allowedSharedMemory = allowedSharedMemory;
    }

    /** Called by a call in progress on the module, whose device is current. */
    static CudaKernel of(CudaModule module, String name, MemorySegment handle) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment attributes = cudaFuncAttributes.allocate(arena);
            CudaException.check(CudaRuntime.cudaFuncGetAttributes(attributes, handle), "loading kernel `" + name + "`");
            return new CudaKernel(
                    module,
                    name,
                    handle,
                    KernelAttributes.of(attributes),
                    KernelParameters.sizes(handle, name),
                    cudaFuncAttributes.maxDynamicSharedSizeBytes(attributes));
        }
    }

    /** Its name in the module. */
    public String name() {
        return name;
    }

    /** The module that it is part of. */
    public CudaModule module() {
        return module;
    }

    /** What it takes of the device. */
    public KernelAttributes attributes() {
        return attributes;
    }

    /** Bytes of each of its parameters, in order. */
    public List<Long> parameterSizes() {
        return parameterSizes;
    }

    /** Makes room for its arguments, none of which is set; the caller closes it. */
    public KernelArguments newArguments() {
        return new KernelArguments(this);
    }

    /**
     * The blocks that a multiprocessor runs at once.
     *
     * @param threads threads of a block
     * @param dynamicSharedMemory bytes of dynamic shared memory of a block
     */
    public int blocksPerMultiprocessor(int threads, int dynamicSharedMemory) {
        module.resource().lifetime().enter();
        try (Arena arena = Arena.ofConfined()) {
            module.device().makeCurrent();
            allowSharedMemory(dynamicSharedMemory);
            MemorySegment blocks = arena.allocate(ValueLayout.JAVA_INT);
            CudaException.check(
                    CudaRuntime.cudaOccupancyMaxActiveBlocksPerMultiprocessor(
                            blocks, handle, threads, dynamicSharedMemory),
                    "asking for the occupancy of kernel `" + name + "`");
            return blocks.get(ValueLayout.JAVA_INT, 0);
        } finally {
            module.resource().lifetime().exit();
        }
    }

    /**
     * Puts a launch into a stream. The arguments are read before the call returns, so they may be changed at once.
     * Nothing is allocated, but for the first launch with more dynamic shared memory than those before.
     *
     * @param arguments made by {@link #newArguments} of this kernel, all set
     * @throws IllegalArgumentException if the arguments are another kernel's, the stream or memory is on another device,
     *     or a block's shared memory exceeds the device's
     * @throws IllegalStateException if an argument is not set, or anything involved is closed
     * @throws CudaException if the device cannot launch this shape, or earlier work failed
     */
    public void launch(LaunchShape shape, KernelArguments arguments, CudaStream stream) {
        Check.sameDevice("the kernel", module.device(), stream.device());
        if (arguments.kernel() != this) {
            throw new IllegalArgumentException(
                    "the arguments are those of kernel `" + arguments.kernel().name + "`, launched is `" + name + "`");
        }
        stream.enter();
        try {
            module.resource().enter(stream);
            try {
                launchEntered(shape, arguments, stream);
            } finally {
                module.resource().exit();
            }
        } finally {
            stream.exit();
        }
    }

    private void launchEntered(LaunchShape shape, KernelArguments arguments, CudaStream stream) {
        module.device().makeCurrent();
        allowSharedMemory(shape.dynamicSharedMemory());
        int code = arguments.launch(handle, shape, stream);
        if (code != CudaRuntime.cudaSuccess()) {
            throw CudaException.of(code, "launch of kernel `" + name + "` with " + shape);
        }
    }

    /** Above 48 KB a kernel gets only what was asked for beforehand. */
    private void allowSharedMemory(int bytes) {
        if (bytes > allowedSharedMemory) {
            long most = module.device().properties().sharedMemoryPerBlock() - attributes.staticSharedMemory();
            if (bytes > most) {
                throw new IllegalArgumentException("kernel `" + name + "` can have " + most
                        + " bytes of dynamic shared memory on " + module.device() + ": " + bytes);
            }
            raiseSharedMemory(bytes);
        }
    }

    private synchronized void raiseSharedMemory(int bytes) {
        if (bytes > allowedSharedMemory) {
            CudaException.check(
                    CudaRuntime.cudaFuncSetAttribute(
                            handle, CudaRuntime.cudaFuncAttributeMaxDynamicSharedMemorySize(), bytes),
                    "allowing kernel `" + name + "` " + bytes + " bytes of dynamic shared memory");
            allowedSharedMemory = bytes;
        }
    }

    @Override
    public String toString() {
        return "kernel `" + name + "` on " + module.device();
    }
}
