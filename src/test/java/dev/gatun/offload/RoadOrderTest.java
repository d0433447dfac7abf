package dev.gatun.offload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gatun.offload.CacheShape.Sharing;
import dev.gatun.offload.FakeWork.Kind;
import dev.gatun.offload.FetchSetting.Rig;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What goes over which road, and when; the device does nothing unless it is told to, and time stands still. */
class RoadOrderTest {
    private static final int PARTS = 3;
    private static final int BYTES = 12;
    private static final RoadSpeed SLOW = new RoadSpeed(1e9, 0);
    private static final RoadSpeed TWICE = new RoadSpeed(2e9, 0);
    private static final RoadSpeed FASTER = new RoadSpeed(1.5e9, 0);
    private static final RoadSpeed FAST = new RoadSpeed(100e9, 0);
    private static final CacheShape SHAPE = new CacheShape(2, 8, 4, 2, Sharing.PER_LAYER);

    private static Rig rig(CacheShape shape, HostMode hostMode, MissMode mode, RoadSpeed link, RoadSpeed processor) {
        return rig(shape, 16, hostMode, mode, link, processor);
    }

    private static Rig rig(
            CacheShape shape, int chunk, HostMode hostMode, MissMode mode, RoadSpeed link, RoadSpeed processor) {
        return rig(shape, PolicyKind.LRU, chunk, hostMode, mode, link, processor);
    }

    private static Rig rig(
            CacheShape shape,
            PolicyKind policy,
            int chunk,
            HostMode hostMode,
            MissMode mode,
            RoadSpeed link,
            RoadSpeed processor) {
        FetchSetting setting = new FetchSetting(
                shape, policy, hostMode, 2, 2, new PrefetchSettings(1, chunk), 1, false, BYTES, mode, PARTS);
        RoadSplit split = new RoadSplit(mode, PARTS, new RoadRates(link, processor), 0, () -> 0);
        Rig rig = setting.rig(new Random(1), split);
        rig.device().freeze();
        return rig;
    }

    /** What a layer was given. */
    private record Layer(List<Integer> slots, List<Integer> parts, boolean allThere) {}

    private static Layer fetch(Rig rig, int layer, int... experts) {
        int[] slots = new int[experts.length];
        int[] parts = new int[experts.length];
        boolean allThere = rig.fetcher().fetch(layer, experts, experts.length, slots, parts, () -> {});
        return new Layer(
                IntStream.of(slots).boxed().toList(),
                IntStream.of(parts).boxed().toList(),
                allThere);
    }

    /** Fetches, and computes with what is on the device. */
    private static Layer token(Rig rig, int layer, int... experts) {
        Layer given = fetch(rig, layer, experts);
        int[] there = IntStream.range(0, experts.length)
                .filter(i -> given.parts.get(i) > 0)
                .toArray();
        rig.fetcher().computeAfterParts();
        rig.device()
                .compute(
                        0,
                        layer,
                        IntStream.of(there).map(i -> 8 * layer + experts[i]).toArray(),
                        IntStream.of(there).map(i -> given.slots.get(i)).toArray(),
                        IntStream.of(there).map(i -> given.parts.get(i)).toArray());
        rig.fetcher().computed();
        return given;
    }

    private static void pump(Rig rig, int times) {
        for (int i = 0; i < times; i++) {
            rig.fetcher().pump();
            rig.device().finish();
        }
        rig.fetcher().pump();
    }

    private static List<FakeWork> copies(Rig rig) {
        return rig.device().copies();
    }

    @Test
    void theHostBeginsWhenTheDivisionIsKnownAndNoCopyIsPutIn() {
        Rig rig = rig(SHAPE, HostMode.INCLUSIVE, MissMode.AUTO, TWICE, SLOW);
        int[] parts = {-1, -1};
        List<List<Integer>> begun = new ArrayList<>();
        Runnable host = () -> {
            assertThat(copies(rig)).isEmpty();
            assertThat(rig.fetcher().block(0, 6)).isEqualTo(6);
            begun.add(IntStream.of(parts).boxed().toList());
        };
        rig.fetcher().fetch(0, new int[] {5, 6}, 2, new int[2], parts, host);
        assertThat(begun).containsExactly(List.of(3, 1));
        assertThat(copies(rig)).hasSize(2);
        rig.fetcher().computeAfterParts();
        rig.fetcher().computed();
        rig.device().finish();
        rig.fetcher().fetch(0, new int[] {5}, 1, new int[1], parts, host);
        assertThat(begun).as("what is there is no work for the host").hasSize(1);
        rig.fetcher().computed();
        rig.device().finish();
    }

    @Test
    void wholeExpertsAreCopiedBeforeLeadingPartsWhateverTheirOrder() {
        Rig rig = rig(SHAPE, HostMode.INCLUSIVE, MissMode.AUTO, TWICE, SLOW);
        token(rig, 0, 6);
        rig.device().finish();
        int before = copies(rig).size();
        Layer given = token(rig, 0, 5, 6);
        assertThat(given.parts)
                .as("the one that was asked for before is to stay")
                .containsExactly(1, 3);
        List<FakeWork> copies = copies(rig).subList(before, copies(rig).size());
        assertThat(copies).hasSize(2);
        assertThat(copies.getFirst().bytes).isEqualTo(BYTES);
        assertThat(copies.getLast().packed).isEqualTo(1);
        rig.device().finish();
    }

    @Test
    void aMissIsCutWhereTheRoadsAreEqual() {
        Rig rig = rig(SHAPE, HostMode.INCLUSIVE, MissMode.AUTO, TWICE, SLOW);
        Layer given = token(rig, 0, 5);
        assertThat(given.parts).containsExactly(2);
        assertThat(given.allThere).isFalse();
        assertThat(copies(rig)).hasSize(1);
        assertThat(copies(rig).getFirst().packed).isEqualTo(2);
        assertThat(copies(rig).getFirst().bytes).isEqualTo(8);
        assertThat(rig.fetcher().block(0, 5)).isEqualTo(5);
        rig.device().finish();
        Layer next = token(rig, 1, 5, 6);
        assertThat(next.parts).as("one whole, and a part of the other").containsExactly(3, 1);
        RoadCounts roads = rig.fetcher().counts().roads();
        assertThat(roads.fetched()).isEqualTo(1);
        assertThat(roads.split()).isEqualTo(2);
        assertThat(roads.computed()).isZero();
        rig.device().finish();
    }

    @Test
    void whatIsThereWholeDoesNotWaitForParts() {
        Rig rig = rig(SHAPE, HostMode.INCLUSIVE, MissMode.AUTO, TWICE, SLOW);
        rig.fetcher().fetch(0, new int[] {3}, 1, new int[1]);
        rig.fetcher().computed();
        rig.device().finish();
        rig.device().freeze();
        Layer given = fetch(rig, 0, 3, 5);
        assertThat(given.parts).containsExactly(3, 2);
        rig.device().compute(0, 0, new int[] {3}, new int[] {given.slots.getFirst()});
        FakeWork whole = rig.device().computing().getLast();
        rig.fetcher().computeAfterParts();
        rig.device().compute(0, 0, new int[] {5}, new int[] {given.slots.getLast()}, new int[] {2});
        assertThat(whole.isReady()).isTrue();
        assertThat(rig.device().computing().getLast().isReady()).isFalse();
        rig.fetcher().computed();
        rig.device().finish();
    }

    @Test
    void aPartWaitsForTheComputingWithTheSlotItIsLent() {
        Rig rig = rig(new CacheShape(2, 8, 0, 2, Sharing.PER_LAYER), HostMode.INCLUSIVE, MissMode.AUTO, TWICE, SLOW);
        Layer first = token(rig, 0, 5);
        Layer second = token(rig, 1, 5);
        Layer third = token(rig, 0, 6);
        assertThat(second.slots).as("given back, and free").isEqualTo(first.slots);
        assertThat(third.slots).isEqualTo(first.slots);
        assertThat(copies(rig)).hasSize(3);
        assertThat(copies(rig).subList(1, 3)).noneMatch(FakeWork::isReady);
        rig.device().finish();
    }

    @Test
    void withoutAStagingSlotExpertsGoOverOneRoadEach() {
        CacheShape shape = new CacheShape(1, 8, 2, 0, Sharing.PER_LAYER);
        Rig link = rig(shape, HostMode.INCLUSIVE, MissMode.AUTO, TWICE, SLOW);
        assertThat(token(link, 0, 5).parts).containsExactly(3);
        link.device().finish();
        Rig host = rig(shape, HostMode.INCLUSIVE, MissMode.AUTO, SLOW, FASTER);
        assertThat(token(host, 0, 5).parts).containsExactly(0);
        assertThat(token(host, 0, 6, 7).parts).containsExactly(3, 0);
        host.device().finish();
    }

    @Test
    void oneRoadIsOneRoad() {
        Rig host = rig(SHAPE, HostMode.INCLUSIVE, MissMode.CPU, FAST, SLOW);
        Layer given = token(host, 0, 5, 6);
        assertThat(given.parts).containsExactly(0, 0);
        assertThat(given.slots).containsOnly(ExpertCache.NONE);
        assertThat(given.allThere).isFalse();
        assertThat(copies(host)).isEmpty();
        Rig link = rig(SHAPE, HostMode.INCLUSIVE, MissMode.FETCH, SLOW, FAST);
        assertThat(token(link, 0, 5, 6).parts).containsExactly(3, 3);
        pump(link, 3);
        assertThat(copies(link)).hasSize(2);
        assertThat(token(link, 0, 5, 6).allThere).isTrue();
        int[] slots = new int[1];
        host.fetcher().fetch(0, new int[] {7}, 1, slots);
        assertThat(slots[0]).as("who needs it on the device gets it there").isNotEqualTo(ExpertCache.NONE);
        host.fetcher().computed();
        host.device().finish();
        link.device().finish();
    }

    @Test
    void whatTheHostComputedFollowsAndStays() {
        Rig rig = rig(SHAPE, HostMode.INCLUSIVE, MissMode.CPU, SLOW, FAST);
        token(rig, 0, 5);
        rig.fetcher().pump();
        rig.fetcher().pump();
        assertThat(copies(rig)).as("one chunk").hasSize(1).allMatch(chunk -> chunk.block == 5 && chunk.bytes == 4);
        pump(rig, 3);
        assertThat(copies(rig)).hasSize(3);
        assertThat(token(rig, 0, 5).allThere).isTrue();
        assertThat(rig.fetcher().counts().hits()).isEqualTo(1);
    }

    @Test
    void theExpertThatIsAskedForAgainFollowsFirst() {
        Rig rig = rig(SHAPE, HostMode.INCLUSIVE, MissMode.CPU, SLOW, FAST);
        token(rig, 0, 5, 6);
        token(rig, 0, 6, 7);
        token(rig, 1, 3);
        rig.fetcher().pump();
        assertThat(copies(rig)).extracting(chunk -> chunk.block).containsOnly(6);
        pump(rig, 3);
        assertThat(copies(rig).getLast().block).as("then the last one").isEqualTo(8 + 3);
        rig.device().finish();
    }

    @Test
    void whatTheHostWasOftenAskedForIsFetchedWhole() {
        Rig rig = rig(SHAPE, HostMode.INCLUSIVE, MissMode.AUTO, SLOW, SLOW);
        assertThat(token(rig, 0, 6).parts).containsExactly(1);
        assertThat(token(rig, 1, 5, 6).parts).containsExactly(2, 0);
        rig.device().finish();
        assertThat(token(rig, 0, 5, 6).parts).containsExactly(0, 3);
        rig.device().finish();
    }

    @Test
    void aFollowUpTakesThePlaceOfTheLeastOnceItIsWhole() {
        Rig rig = rig(new CacheShape(1, 8, 2, 2, Sharing.PER_LAYER), HostMode.INCLUSIVE, MissMode.CPU, SLOW, FAST);
        for (int expert : new int[] {0, 1, 2, 3}) {
            token(rig, 0, expert);
            pump(rig, 4);
        }
        assertThat(token(rig, 0, 2, 3).allThere).isTrue();
        assertThat(token(rig, 0, 1).allThere).as("staged still").isTrue();
    }

    @Test
    void whatIsNeededWaitsForOneSmallChunkAtMost() {
        Rig rig = rig(SHAPE, HostMode.INCLUSIVE, MissMode.AUTO, SLOW, FAST);
        token(rig, 0, 5);
        rig.fetcher().pump();
        assertThat(copies(rig)).hasSize(1);
        int[] slots = new int[1];
        rig.fetcher().fetch(1, new int[] {0}, 1, slots);
        rig.fetcher().pump();
        rig.fetcher().pump();
        assertThat(copies(rig)).as("nothing follows while it is needed").hasSize(2);
        rig.fetcher().computed();
        pump(rig, 1);
        assertThat(copies(rig)).hasSize(3);
        assertThat(copies(rig).getLast().block).isEqualTo(5);
        rig.device().finish();
    }

    @Test
    void aFollowUpThatIsNeededIsUploadedAtOnceIfThatIsQuicker() {
        Rig rig = rig(SHAPE, HostMode.INCLUSIVE, MissMode.CPU, FAST, SLOW);
        token(rig, 0, 5);
        rig.fetcher().pump();
        assertThat(token(rig, 0, 5).parts).containsExactly(3);
        assertThat(copies(rig)).hasSize(2);
        assertThat(copies(rig).getLast().bytes).isEqualTo(8);
        rig.device().finish();
    }

    @Test
    void aFollowUpThatIsNeededSoonerGoesOnBehindTheHost() {
        Rig rig = rig(SHAPE, HostMode.INCLUSIVE, MissMode.AUTO, SLOW, FAST);
        token(rig, 0, 5);
        rig.fetcher().pump();
        assertThat(token(rig, 0, 5).parts).containsExactly(0);
        assertThat(rig.fetcher().block(0, 5)).isEqualTo(5);
        pump(rig, 3);
        assertThat(copies(rig)).hasSize(3);
        assertThat(token(rig, 0, 5).allThere).isTrue();
        assertThat(rig.fetcher().counts().roads().computed()).isEqualTo(2);
        rig.device().finish();
    }

    @Test
    void aGuessIsGivenUpWhereItsRestTakesLongerThanTheHost() {
        for (boolean slow : new boolean[] {true, false}) {
            Rig rig = rig(SHAPE, 2, HostMode.INCLUSIVE, MissMode.CPU, slow ? SLOW : FAST, slow ? FAST : SLOW);
            rig.fetcher().prefetch(0, new int[] {5}, 1);
            rig.fetcher().pump();
            assertThat(token(rig, 0, 5).parts).containsExactly(slow ? 0 : 3);
            assertThat(rig.fetcher().counts().prefetchesCancelled()).isEqualTo(slow ? 1 : 0);
            rig.device().finish();
        }
    }

    @Test
    void aFollowUpMakesRoomForWhatIsNeeded() {
        Rig rig = rig(new CacheShape(1, 8, 2, 2, Sharing.PER_LAYER), HostMode.INCLUSIVE, MissMode.AUTO, SLOW, FAST);
        int[] slots = new int[2];
        rig.fetcher().fetch(0, new int[] {0, 1}, 2, slots);
        rig.fetcher().computed();
        rig.device().finish();
        token(rig, 0, 5);
        rig.fetcher().pump();
        rig.fetcher().fetch(0, new int[] {2, 3}, 2, slots);
        rig.fetcher().computed();
        // The group's slots fill, and one for staging does: the last one is taken from what follows.
        rig.fetcher().fetch(0, new int[] {6, 7}, 2, slots);
        rig.fetcher().computed();
        rig.device().finish();
    }

    @Test
    void whatTheHostDoesNotHaveYetIsFetched() {
        Rig rig = rig(new CacheShape(1, 8, 2, 2, Sharing.PER_LAYER), HostMode.EXCLUSIVE, MissMode.CPU, SLOW, FAST);
        int[] slots = new int[1];
        rig.fetcher().fetch(0, new int[] {6}, 1, slots);
        rig.fetcher().computed();
        FakeWork saved = copies(rig).getFirst();
        assertThat(saved.kind).isEqualTo(Kind.DOWNLOAD);
        assertThat(token(rig, 0, saved.slot, 7).parts).containsExactly(3, 0);
        assertThatThrownBy(() -> rig.fetcher().block(0, saved.slot)).hasMessageContaining("not in the host");
        assertThat(rig.fetcher().block(0, 7)).isNotNegative();
        rig.device().finish();
    }

    @Test
    void aFollowUpIsSwappedInOnceNothingIsAtWork() {
        Rig rig = rig(new CacheShape(1, 8, 2, 2, Sharing.PER_LAYER), HostMode.EXCLUSIVE, MissMode.CPU, SLOW, FAST);
        token(rig, 0, 7);
        for (int chunk = 0; chunk < 3; chunk++) {
            rig.fetcher().pump();
            rig.device().finish();
        }
        fetch(rig, 0, 6);
        rig.fetcher().pump();
        assertThat(copies(rig)).extracting(copy -> copy.kind).doesNotContain(Kind.DOWNLOAD);
        rig.fetcher().computed();
        rig.fetcher().pump();
        assertThat(copies(rig)).extracting(copy -> copy.kind).containsOnlyOnce(Kind.DOWNLOAD);
        assertThat(token(rig, 0, 7).allThere).isTrue();
        rig.device().finish();
    }

    /** The host's road is quicker for a whole expert; the first expert to come is the first to go. */
    private static Rig exclusive() {
        CacheShape shape = new CacheShape(1, 8, 2, 2, Sharing.PER_LAYER);
        return rig(shape, PolicyKind.FIFO, 5, HostMode.EXCLUSIVE, MissMode.CPU, SLOW, FASTER);
    }

    private static void fetchWhole(Rig rig, int... experts) {
        rig.fetcher().fetch(0, experts, experts.length, new int[experts.length]);
        rig.fetcher().computed();
    }

    @Test
    void whatWasFetchedWholeFollowsNoMore() {
        Rig rig = exclusive();
        token(rig, 0, 7);
        fetchWhole(rig, 7);
        rig.device().finish();
        fetchWhole(rig, 5, 6);
        rig.device().finishAllBut(Kind.DOWNLOAD);
        rig.fetcher().pump();
        rig.device().finish();
        int copies = copies(rig).size();
        pump(rig, 3);
        assertThat(copies(rig)).hasSize(copies);
        assertThat(token(rig, 0, 7).parts).containsExactly(0);
        rig.device().finish();
    }

    @Test
    void aFollowUpThatTheHostDoesNotHaveYetIsNotLeftToIt() {
        Rig rig = exclusive();
        token(rig, 0, 7);
        // Most of it comes as a guess, so that it is used; and it waits still to follow.
        rig.fetcher().prefetch(0, new int[] {7}, 1);
        rig.fetcher().pump();
        rig.device().finish();
        assertThat(token(rig, 0, 7).parts).containsExactly(3);
        rig.device().finish();
        fetchWhole(rig, 5, 6);
        rig.device().finishAllBut(Kind.DOWNLOAD);
        rig.fetcher().pump();
        assertThat(token(rig, 0, 7).parts).containsExactly(3);
        rig.device().finish();
        assertThat(token(rig, 0, 7).allThere).isTrue();
    }
}
