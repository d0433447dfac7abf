package dev.gatun.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import org.junit.jupiter.api.Test;

class StreamTest extends OnGpu {
    @Test
    void aStreamIsIdleOnlyWhenItsWorkIsDone() {
        spin(stream, 50);
        assertThat(stream.isIdle()).isFalse();
        stream.synchronize();
        assertThat(stream.isIdle()).isTrue();
    }

    @Test
    void everyPriorityOfTheDeviceCanBeHadAndNoOther() {
        StreamPriorities priorities = device.streamPriorities();
        for (int priority = priorities.highest(); priority <= priorities.lowest(); priority++) {
            try (CudaStream urgent = CudaStream.open(device, priority)) {
                assertThat(urgent.priority()).isEqualTo(priority);
            }
        }
        assertThatIllegalArgumentException().isThrownBy(() -> CudaStream.open(device, priorities.lowest() + 1));
        assertThatIllegalArgumentException().isThrownBy(() -> CudaStream.open(device, priorities.highest() - 1));
    }

    @Test
    void closingWaitsForTheWork() {
        try (CudaEvent event = CudaEvent.open(device)) {
            CudaStream busy = CudaStream.open(device);
            spin(busy, 30);
            busy.record(event);
            assertThat(event.hasHappened()).isFalse();

            busy.close();

            assertThat(event.hasHappened()).isTrue();
            busy.close();
            assertThat(busy.isOpen()).isFalse();
            assertThatIllegalStateException().isThrownBy(busy::synchronize).withMessage("the stream is closed");
            assertThatIllegalStateException().isThrownBy(busy::isIdle);
            assertThatIllegalStateException().isThrownBy(() -> busy.record(event));
            assertThatIllegalStateException().isThrownBy(() -> busy.waitFor(event));
        }
    }

    @Test
    void streamsRunSideBySideUnlessAnEventOrdersThem() {
        try (CudaStream other = CudaStream.open(device);
                CudaEvent first = CudaEvent.open(device);
                CudaEvent second = CudaEvent.open(device)) {
            spin(stream, 60);
            stream.record(first);
            other.record(second);
            second.synchronize();
            assertThat(first.hasHappened()).as("unordered").isFalse();

            other.waitFor(first);
            other.record(second);
            assertThat(second.hasHappened()).as("ordered").isFalse();
            second.synchronize();
            assertThat(first.hasHappened()).isTrue();
        }
    }

    @Test
    void theTimeBetweenEventsIsThatOfTheWorkBetweenThem() {
        try (CudaEvent start = CudaEvent.openTiming(device);
                CudaEvent end = CudaEvent.openTiming(device)) {
            stream.record(start);
            spin(stream, 20);
            stream.record(end);
            assertThatIllegalStateException()
                    .isThrownBy(() -> end.millisecondsSince(start))
                    .withMessageContaining("has not happened yet");
            end.synchronize();

            assertThat(end.millisecondsSince(start)).isGreaterThanOrEqualTo(20);
            assertThat(start.millisecondsSince(start)).isZero();
        }
    }

    @Test
    void eventsThatTellNothingSaySo() {
        try (CudaEvent plain = CudaEvent.open(device);
                CudaEvent timing = CudaEvent.openTiming(device)) {
            assertThatIllegalStateException()
                    .isThrownBy(plain::synchronize)
                    .withMessage("the event was never recorded");
            assertThatIllegalStateException().isThrownBy(plain::hasHappened);
            stream.waitFor(plain);
            stream.record(plain);
            stream.record(timing);
            stream.synchronize();
            assertThatIllegalArgumentException().isThrownBy(() -> timing.millisecondsSince(plain));
            assertThatIllegalArgumentException().isThrownBy(() -> plain.millisecondsSince(timing));
        }
        CudaEvent closed = CudaEvent.open(device);
        closed.close();
        closed.close();
        assertThatIllegalStateException()
                .isThrownBy(() -> stream.record(closed))
                .withMessage("the event is closed");
        assertThatIllegalStateException().isThrownBy(closed::hasHappened);
    }
}
