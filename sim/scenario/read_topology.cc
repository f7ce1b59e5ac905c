// SPDX-License-Identifier: GPL-2.0-only
#include <filesystem>
#include <nlohmann/json.hpp>

#include "mesh/base/random.h"
#include "sim/json/document.h"
#include "sim/scenario/reader.h"
#include "sim/topology/atlas.h"
#include "sim/topology/generators.h"
#include "sim/topology/graph.h"
#include "sim/topology/graphml.h"

namespace weft::sim {
namespace {

using nlohmann::json;
using topology::Atlas;

constexpr std::size_t kMaxRegions = 2'000;

Duration ms_of(const json& object, const char* key, double standard) {
  return ScenarioReader::from_ms(object.value(key, standard));
}

topology::Graph generate(const json& shape) {
  SeededRandom random(shape.value("seed", std::uint64_t{1}), "topology");
  const std::string kind = shape["kind"];
  if (kind == "star") return topology::star(shape.value("regions", 4u), ms_of(shape, "arm_ms", 20));
  if (kind == "tiered") {
    topology::Tiered tiered;
    tiered.backbones = shape.value("backbones", tiered.backbones);
    tiered.regionals = shape.value("regionals", tiered.regionals);
    tiered.regions = shape.value("regions", tiered.regions);
    tiered.backbone = ms_of(shape, "core_ms", 30);
    tiered.regional_low = ms_of(shape, "regional_low_ms", 4);
    tiered.regional_high = ms_of(shape, "regional_high_ms", 15);
    tiered.region_low = ms_of(shape, "edge_low_ms", 1);
    tiered.region_high = ms_of(shape, "edge_high_ms", 6);
    return topology::tiered(tiered, random);
  }
  if (kind == "transit_stub") {
    topology::TransitStub stub;
    stub.transits = shape.value("transits", stub.transits);
    stub.stubs = shape.value("stubs", stub.stubs);
    stub.core = ms_of(shape, "core_ms", 20);
    stub.edge_low = ms_of(shape, "edge_low_ms", 2);
    stub.edge_high = ms_of(shape, "edge_high_ms", 15);
    return topology::transit_stub(stub, random);
  }
  topology::Waxman waxman;
  waxman.regions = shape.value("regions", waxman.regions);
  waxman.side = ms_of(shape, "side_ms", 40);
  waxman.alpha = shape.value("alpha", waxman.alpha);
  waxman.beta = shape.value("beta", waxman.beta);
  return topology::waxman(waxman, random);
}

Atlas atlas_of(const topology::Graph& graph, Duration within) {
  Atlas atlas{.matrix = graph.regions(8, {.latency = within})};
  for (topology::SiteId id = 0; id < graph.size(); ++id) {
    if (graph.site(id).transit) continue;
    atlas.names.push_back(graph.site(id).name);
    atlas.weights.push_back(graph.site(id).weight);
  }
  return atlas;
}

}  // namespace

void ScenarioReader::read_topology() {
  const json& topology = document_["topology"];
  TopologySpec& spec = scenario_.topology;
  spec.loss_ppm = to_ppm(topology.value("loss_ratio", 0.0));
  spec.repeat_ppm = to_ppm(topology.value("repeat_ratio", 0.0));
  spec.hops = topology.value("hops", 8);
  int ways = 0;
  for (const char* key : {"regions", "generator", "graphml", "cities", "table"}) ways += topology.contains(key) ? 1 : 0;
  if (ways != 1 || topology.contains("regions") != topology.contains("delay_ms")) {
    return refuse("/topology",
                  "needs one of `regions` with `delay_ms`, `generator`, `graphml`, `cities` and `table`, and only one");
  }
  if (topology.contains("regions")) return read_matrix_of_delays();
  const Duration within = ms_of(topology, "within_ms", 2);
  if (topology.contains("table")) return take(topology::eight_regions(), "/topology/table");
  if (topology.contains("cities")) return read_cities(within);
  if (topology.contains("generator")) return read_generator(within);
  const std::string path =
      (std::filesystem::path(file_).parent_path() / topology["graphml"].get<std::string>()).lexically_normal().string();
  const auto text = read_file(path);
  if (!text) return refuse("/topology/graphml", "names a file that cannot be read: " + text.error().message);
  const auto graph = topology::read_graphml(*text, path);
  if (!graph) {
    problem_ = graph.error();
    return;
  }
  take_graph(*graph, within, "/topology/graphml");
}

void ScenarioReader::read_generator(Duration within) {
  const json& shape = document_["topology"]["generator"];
  for (const auto& [low, high] :
       {std::pair("edge_low_ms", "edge_high_ms"), std::pair("regional_low_ms", "regional_high_ms")}) {
    if (shape.contains(low) != shape.contains(high))
      return refuse("/topology/generator", std::string("has one of ") + low + " and " + high + "; give both or none");
    if (shape.contains(low) && shape[low].get<double>() > shape[high].get<double>())
      return refuse(std::string("/topology/generator/") + low, std::string("is above ") + high);
  }
  take_graph(generate(shape), within, "/topology/generator");
}

void ScenarioReader::take_graph(const topology::Graph& graph, Duration within, const std::string& pointer) {
  std::size_t regions = 0;
  for (topology::SiteId id = 0; id < graph.size(); ++id) regions += graph.site(id).transit ? 0 : 1;
  if (regions == 0) return refuse(pointer, "has no region, only transit nodes; somebody must live somewhere");
  if (regions > kMaxRegions)
    return refuse(pointer, "has " + std::to_string(regions) + " regions; at most 2,000 make a matrix");
  take(atlas_of(graph, within), pointer);
}

void ScenarioReader::take(const Atlas& atlas, const std::string& pointer) {
  TopologySpec& spec = scenario_.topology;
  spec.regions = atlas.names;
  spec.weights = atlas.weights;
  for (topology::RegionId from = 0; from < atlas.names.size(); ++from) {
    spec.delay.emplace_back();
    for (topology::RegionId to = 0; to < atlas.names.size(); ++to) {
      if (atlas.matrix.path(from, to).cut)
        return refuse(pointer, "has no path from '" + atlas.names[from] + "' to '" + atlas.names[to] + "'; add a link");
      spec.delay.back().push_back(atlas.matrix.path(from, to).latency);
    }
  }
}

void ScenarioReader::read_cities(Duration within) {
  const json& topology = document_["topology"];
  std::vector<topology::City> chosen;
  for (std::size_t i = 0; i < topology["cities"].size(); ++i) {
    const std::string name = topology["cities"][i];
    const topology::City* city = topology::find_city(name);
    if (city == nullptr)
      return refuse("/topology/cities/" + std::to_string(i),
                    "'" + name + "' is not a city of the table (docs/scenario.md); name a large one near it");
    chosen.push_back(*city);
  }
  take(topology::city_atlas(chosen, topology.value("stretch", 1.5), ms_of(topology, "exchange_ms", 1), within),
       "/topology/cities");
  read_measured();
}

/// Round trips that somebody measured, instead of what the map gives.
void ScenarioReader::read_measured() {
  const json& topology = document_["topology"];
  if (!topology.contains("rtt_ms")) return;
  TopologySpec& spec = scenario_.topology;
  for (std::size_t i = 0; i < topology["rtt_ms"].size(); ++i) {
    const json& line = topology["rtt_ms"][i];
    const std::string pointer = "/topology/rtt_ms/" + std::to_string(i);
    std::size_t ends[2] = {};
    for (int end = 0; end < 2; ++end) {
      region(line["between"][end], pointer + "/between/" + std::to_string(end));
      if (problem_) return;
      while (spec.regions[ends[end]] != line["between"][end].get_ref<const std::string&>()) ++ends[end];
    }
    const Duration way = from_ms(line["rtt"].get<double>() / 2);
    spec.delay[ends[0]][ends[1]] = spec.delay[ends[1]][ends[0]] = way;
  }
}

void ScenarioReader::read_matrix_of_delays() {
  const json& topology = document_["topology"];
  TopologySpec& spec = scenario_.topology;
  spec.regions = topology["regions"].get<std::vector<std::string>>();
  spec.weights.assign(spec.regions.size(), 1);
  const json& rows = topology["delay_ms"];
  if (rows.size() != spec.regions.size())
    refuse("/topology/delay_ms", "has another number of rows than `regions` has names; give one row per region");
  for (std::size_t row = 0; row < rows.size(); ++row) {
    if (rows[row].size() != spec.regions.size()) {
      refuse("/topology/delay_ms/" + std::to_string(row),
             "has another length than `regions`; give one delay per region");
    }
    std::vector<Duration> delays;
    for (const json& delay : rows[row]) delays.push_back(from_ms(delay));
    spec.delay.push_back(std::move(delays));
  }
}

}  // namespace weft::sim
