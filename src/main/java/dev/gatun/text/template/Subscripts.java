package dev.gatun.text.template;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/** Items and slices of values; indices below zero count from the end. */
final class Subscripts {
    private final Budget budget;

    Subscripts(Budget budget) {
        this.budget = budget;
    }

    /** {@code object[key]}: undefined if there is no such item. */
    Value item(Value object, Value key) {
        if (key instanceof Value.Text(String name)) {
            return Dicts.item(object, name);
        }
        if (!(key instanceof Value.Int(long index)) || !isIndexed(object)) {
            throw new TemplateException("%s has no item %s".formatted(object.typeName(), key.typeName()));
        }
        List<Value> elements = Elements.of(object, budget);
        long place = index < 0 ? index + elements.size() : index;
        return place >= 0 && place < elements.size() ? elements.get((int) place) : new Value.Undefined("item " + index);
    }

    /** {@code object[start:stop:step]}. */
    Value slice(Value object, OptionalLong start, OptionalLong stop, long step) {
        if (!isIndexed(object)) {
            throw new TemplateException("%s has no slices".formatted(object.typeName()));
        }
        if (step == 0) {
            throw new TemplateException("a slice needs a step other than 0");
        }
        List<Value> elements = Elements.of(object, budget);
        budget.spend(elements.size());
        int size = elements.size();
        long first = bound(start, size, step, step > 0 ? 0 : size - 1);
        long end = bound(stop, size, step, step > 0 ? size : -1);
        List<Value> sliced = new ArrayList<>();
        for (long at = first; step > 0 ? at < end : at > end; at = Math.addExact(at, step)) {
            sliced.add(elements.get((int) at));
        }
        return switch (object) {
            case Value.Text _ -> new Value.Text(text(sliced));
            case Value.Sequence sequence -> Value.Sequence.of(sliced, sequence.kind());
            default -> throw new TemplateException("%s has no slices".formatted(object.typeName()));
        };
    }

    private static long bound(OptionalLong given, int size, long step, long absent) {
        if (given.isEmpty()) {
            return absent;
        }
        long place = given.getAsLong() < 0 ? given.getAsLong() + size : given.getAsLong();
        return step > 0 ? Math.clamp(place, 0, size) : Math.clamp(place, -1L, (long) size - 1);
    }

    private static String text(List<Value> characters) {
        StringBuilder text = new StringBuilder();
        for (Value character : characters) {
            if (character instanceof Value.Text(String c)) {
                text.append(c);
            }
        }
        return text.toString();
    }

    private static boolean isIndexed(Value object) {
        return object instanceof Value.Text
                || (object instanceof Value.Sequence sequence && sequence.kind() != Value.Kind.VIEW);
    }
}
