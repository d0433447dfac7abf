package dev.gatun.bench;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;

/** A report as comma-separated values (RFC 4180), a line for each test below one with the names. */
public final class CsvReport {
    private CsvReport() {}

    /** Lines, each with its end; none without results. */
    public static String of(BenchReport report) {
        StringBuilder text = new StringBuilder();
        for (BenchResult result : report.results()) {
            Map<String, Object> fields = new LinkedHashMap<>(ReportFields.subject(report.subject()));
            fields.putAll(ReportFields.result(report, result));
            fields.putAll(ReportFields.setting(report));
            if (text.isEmpty()) {
                text.append(line(fields.keySet()));
            }
            text.append(line(fields.values()));
        }
        return text.toString();
    }

    private static String line(Collection<?> values) {
        return values.stream().map(value -> quoted(Objects.toString(value, ""))).collect(Collectors.joining(","))
                + "\n";
    }

    private static String quoted(String value) {
        return value.matches("(?s).*[,\"\r\n].*") ? "\"" + value.replace("\"", "\"\"") + "\"" : value;
    }
}
