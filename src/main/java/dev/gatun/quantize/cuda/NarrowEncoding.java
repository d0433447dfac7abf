package dev.gatun.quantize.cuda;

import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.cuda.KernelArguments;
import dev.gatun.cuda.LaunchShape;
import dev.gatun.engine.cuda.Holdings;
import dev.gatun.engine.cuda.KernelLibrary;
import dev.gatun.quant.NarrowMatrix;
import dev.gatun.quant.NarrowScheme;
import dev.gatun.quant.solver.CodeSearch;
import java.lang.foreign.Arena;

/** From fits to matrices with 4-bit scales: {@code gatun_level_narrow} and {@code gatun_choose_narrow}. */
final class NarrowEncoding implements AutoCloseable {
    private final Holdings holdings = new Holdings();
    private final CudaStream stream;
    private final Transfer transfer;
    private final KernelArguments level;
    private final CodeKernel choose;
    private final GrowingMemory levels;
    private final GrowingMemory metas;

    NarrowEncoding(KernelLibrary kernels, CudaStream stream, Transfer transfer) {
        this.stream = stream;
        this.transfer = transfer;
        this.level = kernels.find("quantize_choose", "gatun_level_narrow");
        this.choose = holdings.remember(new CodeKernel(kernels, "gatun_choose_narrow", stream));
        this.levels = holdings.remember(new GrowingMemory(kernels.device()));
        this.metas = holdings.remember(new GrowingMemory(kernels.device()));
    }

    /** Waits until the matrix is there, allocated in the arena. */
    NarrowMatrix encode(DeviceGroups groups, NarrowScheme scheme, CodeSearch search, Arena arena) {
        int entries = Math.multiplyExact(groups.groupRows(), NarrowMatrix.pairColumns(groups.columns()));
        DeviceMemory pairs = levels.of((long) entries * NarrowMatrix.PAIR_BYTES);
        level.set(0, groups.scales())
                .set(1, groups.zeros())
                .set(2, groups.columns())
                .set(3, pairs);
        level.kernel().launch(LaunchShape.of(entries, DeviceGroups.BLOCK), level, stream);
        DeviceMemory meta = metas.of(groups.count());
        DeviceMemory codes = choose.launch(
                groups, scheme, search, arguments -> arguments.set(13, pairs).set(14, meta));
        return new NarrowMatrix(
                scheme,
                groups.groupRows() * groups.groupSize(),
                groups.columns(),
                transfer.download(codes, arena),
                transfer.download(meta, arena),
                transfer.download(pairs, arena));
    }

    @Override
    public void close() {
        holdings.close();
    }
}
