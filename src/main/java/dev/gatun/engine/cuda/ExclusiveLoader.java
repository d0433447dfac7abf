package dev.gatun.engine.cuda;

import dev.gatun.engine.BackendFailureException;
import dev.gatun.offload.CopyEngine;
import dev.gatun.offload.ExclusiveLayout;
import dev.gatun.offload.ExpertCache;
import dev.gatun.offload.ExpertSource;
import dev.gatun.offload.LoadListener;
import dev.gatun.offload.StoreFiller;
import java.util.ArrayList;
import java.util.List;

/**
 * Brings every expert to the one place that it has where host and device share them: first those of the device, through host
 * blocks that wait for their own, then those of the host.
 */
final class ExclusiveLoader {
    private final ExpertSource source;
    private final int experts;
    private final ExclusiveLayout layout;
    private final LoadListener listener;

    ExclusiveLoader(ExpertSource source, int experts, ExclusiveLayout layout, LoadListener listener) {
        this.source = source;
        this.experts = experts;
        this.layout = layout;
        this.listener = listener;
    }

    /** Loads so many experts, and waits until all are in place. */
    void load(PinnedStore store, CudaCopyEngine copies, int allExperts) {
        int[] onDevice = numbers(allExperts, true);
        int[] inHost = numbers(allExperts, false);
        long total = allExperts * store.blockBytes();
        try {
            for (int first = 0; first < onDevice.length; first += store.blocks()) {
                int count = Math.min(store.blocks(), onDevice.length - first);
                fill(onDevice, first, count, store, total);
                for (int i = 0; i < count; i++) {
                    int number = onDevice[first + i];
                    int slot = layout.slot(number / experts, number % experts);
                    copies.upload(i, slot, 0, store.blockBytes(), CopyEngine.ENDED);
                }
                copies.drain();
            }
            long before = onDevice.length * store.blockBytes();
            new StoreFiller(source, experts)
                    .fill(
                            inHost,
                            i -> store.block(layout.block(inHost[i] / experts, inHost[i] % experts)),
                            (bytes, some) -> listener.loaded(before + bytes, total));
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new BackendFailureException("loading the experts was interrupted");
        }
    }

    private void fill(int[] numbers, int first, int count, PinnedStore store, long total) throws InterruptedException {
        int[] some = new int[count];
        System.arraycopy(numbers, first, some, 0, count);
        long before = first * store.blockBytes();
        new StoreFiller(source, experts)
                .fill(some, store::block, (bytes, part) -> listener.loaded(before + bytes, total));
    }

    private int[] numbers(int allExperts, boolean onDevice) {
        List<Integer> numbers = new ArrayList<>();
        for (int number = 0; number < allExperts; number++) {
            boolean hasSlot = layout.slot(number / experts, number % experts) != ExpertCache.NONE;
            if (hasSlot == onDevice) {
                numbers.add(number);
            }
        }
        return numbers.stream().mapToInt(Integer::intValue).toArray();
    }
}
