package dev.gatun.cuda;

import dev.gatun.bindings.cuda.CudaRuntime;
import dev.gatun.bindings.cuda.cudaLaunchAttributeValue;
import dev.gatun.bindings.cuda.cudaLaunchAttribute_st;
import dev.gatun.bindings.cuda.cudaLaunchConfig_st;
import dev.gatun.bindings.cuda.dim3;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;

/**
 * The arguments of a kernel, outside of the heap, set once and launched any number of times; each can be set again between
 * two launches. Setters check the size against the kernel's own parameter, and return this.
 *
 * <p>Whoever makes arguments closes them; launches in flight do not need them. One thread at a time uses them.
 */
public final class KernelArguments implements AutoCloseable {
    private static final long ALIGNMENT = 16;

    private final CudaKernel kernel;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment config;
    private final MemorySegment grid;
    private final MemorySegment block;
    private final MemorySegment[] values;
    private final MemorySegment pointers;
    private final Resource[] memories;
    private final boolean[] isSet;

    KernelArguments(CudaKernel kernel) {
        this.kernel = kernel;
        int count = kernel.parameterSizes().size();
        config = cudaLaunchConfig_st.allocate(arena);
        grid = cudaLaunchConfig_st.gridDim(config);
        block = cudaLaunchConfig_st.blockDim(config);
        cudaLaunchConfig_st.attrs(config, cooperative(arena));
        values = new MemorySegment[count];
        pointers = arena.allocate(ValueLayout.ADDRESS, Math.max(1, count));
        memories = new Resource[count];
        isSet = new boolean[count];
        for (int i = 0; i < count; i++) {
            values[i] = arena.allocate(kernel.parameterSizes().get(i), ALIGNMENT);
            pointers.setAtIndex(ValueLayout.ADDRESS, i, values[i]);
        }
    }

    private static MemorySegment cooperative(Arena arena) {
        MemorySegment attribute = cudaLaunchAttribute_st.allocate(arena);
        cudaLaunchAttribute_st.id(attribute, CudaRuntime.cudaLaunchAttributeCooperative());
        cudaLaunchAttributeValue.cooperative(cudaLaunchAttribute_st.val(attribute), 1);
        return attribute;
    }

    /** The kernel whose arguments they are. */
    public CudaKernel kernel() {
        return kernel;
    }

    /** Sets a pointer to device memory. The kernel may use all of it; how much it does use is not checked. */
    public KernelArguments set(int index, DeviceMemory memory) {
        if (!memory.device().equals(kernel.module().device())) {
            throw new IllegalArgumentException("argument " + index + " is on " + memory.device() + ", the kernel on "
                    + kernel.module().device());
        }
        memory.buffer().resource().lifetime().requireOpen();
        place(index, Long.BYTES).set(ValueLayout.JAVA_LONG, 0, memory.address());
        memories[index] = memory.buffer().resource();
        return this;
    }

    /** Sets a pointer to pinned host memory, which the kernel reads and writes in place, over the link. */
    public KernelArguments set(int index, PinnedBuffer memory) {
        return set(index, memory, 0);
    }

    /**
     * Sets a pointer into pinned memory, as {@link #set(int, PinnedBuffer)} does.
     *
     * @param offset of the first byte
     * @throws IndexOutOfBoundsException if it is not inside the memory
     */
    public KernelArguments set(int index, PinnedBuffer memory, long offset) {
        Objects.checkIndex(offset, memory.byteSize());
        memory.resource().lifetime().requireOpen();
        place(index, Long.BYTES).set(ValueLayout.JAVA_LONG, 0, memory.deviceAddress() + offset);
        memories[index] = memory.resource();
        return this;
    }

    /** Sets a null pointer. */
    public KernelArguments setNull(int index) {
        return set(index, 0L);
    }

    /** Sets an integer of 4 bytes. */
    public KernelArguments set(int index, int value) {
        place(index, Integer.BYTES).set(ValueLayout.JAVA_INT, 0, value);
        return this;
    }

    /** Sets an integer of 8 bytes. */
    public KernelArguments set(int index, long value) {
        place(index, Long.BYTES).set(ValueLayout.JAVA_LONG, 0, value);
        return this;
    }

    /** Sets a number in float32. */
    public KernelArguments set(int index, float value) {
        place(index, Float.BYTES).set(ValueLayout.JAVA_FLOAT, 0, value);
        return this;
    }

    /** Sets a number in float64. */
    public KernelArguments set(int index, double value) {
        place(index, Double.BYTES).set(ValueLayout.JAVA_DOUBLE, 0, value);
        return this;
    }

    /**
     * Sets a parameter of any type, a struct for example, from its bytes. Pointers in it come from
     * {@link DeviceMemory#storeAddress}; what they point to must outlive the launches, which is not checked.
     */
    public KernelArguments set(int index, MemorySegment bytes) {
        place(index, bytes.byteSize()).copyFrom(bytes);
        return this;
    }

    private MemorySegment place(int index, long bytes) {
        if (index < 0 || index >= values.length) {
            throw new IndexOutOfBoundsException(
                    "kernel `" + kernel.name() + "` has " + values.length + " parameters: " + index);
        }
        if (values[index].byteSize() != bytes) {
            throw new IllegalArgumentException("parameter " + index + " of kernel `" + kernel.name() + "` has "
                    + values[index].byteSize() + " bytes: " + bytes);
        }
        requireOpen();
        memories[index] = null;
        isSet[index] = true;
        return values[index];
    }

    private void requireOpen() {
        if (!arena.scope().isAlive()) {
            throw new IllegalStateException("the arguments of kernel `" + kernel.name() + "` are closed");
        }
    }

    /** Launches; the stream and the module were entered before. */
    int launch(MemorySegment function, LaunchShape shape, CudaStream stream) {
        requireComplete();
        int entered = 0;
        try {
            while (entered < memories.length) {
                if (memories[entered] != null) {
                    memories[entered].enter(stream);
                }
                entered++;
            }
            configure(shape, stream);
            return CudaRuntime.cudaLaunchKernelExC(config, function, pointers);
        } finally {
            exit(entered);
        }
    }

    private void requireComplete() {
        requireOpen();
        for (int i = 0; i < isSet.length; i++) {
            if (!isSet[i]) {
                throw new IllegalStateException("parameter " + i + " of kernel `" + kernel.name() + "` is not set");
            }
        }
    }

    private void configure(LaunchShape shape, CudaStream stream) {
        dim3.x(grid, shape.gridX());
        dim3.y(grid, shape.gridY());
        dim3.z(grid, shape.gridZ());
        dim3.x(block, shape.blockX());
        dim3.y(block, shape.blockY());
        dim3.z(block, shape.blockZ());
        cudaLaunchConfig_st.dynamicSmemBytes(config, shape.dynamicSharedMemory());
        cudaLaunchConfig_st.stream(config, stream.handle());
        cudaLaunchConfig_st.numAttrs(config, shape.isCooperative() ? 1 : 0);
    }

    private void exit(int entered) {
        for (int i = 0; i < entered; i++) {
            if (memories[i] != null) {
                memories[i].exit();
            }
        }
    }

    /** Frees the memory of the arguments. Calling it again does nothing. */
    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}
