package dev.gatun.bench;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.json.JsonMapper;

/** A report as one JSON object, with every run's tokens a second. */
public final class JsonReport {
    private JsonReport() {}

    /** One line, with its end. */
    public static String of(BenchReport report) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("machine", report.machine());
        fields.putAll(ReportFields.subject(report.subject()));
        fields.put("routing", report.routing());
        fields.put("options", report.options());
        fields.putAll(ReportFields.setting(report));
        fields.put("ceilings", ceilings(report.ceilings()));
        List<Map<String, Object>> results = new ArrayList<>();
        for (BenchResult result : report.results()) {
            Map<String, Object> row = ReportFields.result(report, result);
            row.put("samples", result.rates().values());
            results.add(row);
        }
        fields.put("results", results);
        return JsonMapper.shared().writeValueAsString(fields) + "\n";
    }

    private static Map<String, Object> ceilings(Ceilings measured) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("memory_bytes_per_second", measured.memory());
        fields.put("link_bytes_per_second", ReportFields.nullable(measured.link()));
        fields.put("operations_per_second", ReportFields.nullable(measured.operations()));
        fields.put("host_bytes_per_second", ReportFields.nullable(measured.host()));
        fields.put("roads_bytes_per_second", ReportFields.nullable(measured.roads()));
        return fields;
    }
}
