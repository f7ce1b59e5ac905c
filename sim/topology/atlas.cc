// SPDX-License-Identifier: GPL-2.0-only
#include "sim/topology/atlas.h"

#include <algorithm>
#include <array>

namespace weft::topology {
namespace {

struct MeasuredPair {
  std::string_view a, b;
  std::chrono::microseconds round_trip;
};
constexpr std::array<MeasuredPair, 4> kMeasured = {{{"new-york", "paris", std::chrono::microseconds(78'000)},
                                                    {"milan", "paris", std::chrono::microseconds(21'600)},
                                                    {"moscow", "paris", std::chrono::microseconds(56'700)},
                                                    {"dallas", "sydney", std::chrono::microseconds(222'000)}}};

std::optional<Duration> measured(std::string_view a, std::string_view b) {
  for (const MeasuredPair& pair : kMeasured) {
    if ((pair.a == a && pair.b == b) || (pair.a == b && pair.b == a)) return pair.round_trip / 2;
  }
  return std::nullopt;
}

constexpr std::size_t kEight = 8;
constexpr std::array<std::string_view, kEight> kNames = {"eu",        "na-east",   "na-west",  "east-asia",
                                                         "australia", "west-asia", "s-africa", "s-america"};
constexpr std::array<std::uint64_t, kEight> kWeights = {5599, 2894, 1240, 1059, 290, 161, 47, 36};
/// Milliseconds one way. South America to South Africa is 195 there and 190 in the other direction in the source.
constexpr std::uint16_t kDelays[kEight][kEight] = {
    {2, 70, 110, 125, 165, 60, 95, 140},    {70, 2, 60, 140, 150, 110, 130, 100},
    {110, 60, 2, 100, 110, 150, 160, 100},  {125, 140, 100, 4, 110, 110, 175, 175},
    {165, 150, 110, 110, 2, 180, 220, 190}, {60, 110, 150, 110, 180, 5, 110, 145},
    {95, 130, 160, 175, 220, 110, 7, 190},  {140, 100, 100, 175, 190, 145, 195, 7}};

}  // namespace

const std::vector<City>& cities() {
  static const std::vector<City> all = {{"amsterdam", {52.4, 4.9}, 25},
                                        {"athens", {38.0, 23.7}, 36},
                                        {"atlanta", {33.7, -84.4}, 61},
                                        {"auckland", {-36.8, 174.8}, 16},
                                        {"bangkok", {13.8, 100.5}, 107},
                                        {"berlin", {52.5, 13.4}, 45},
                                        {"bogota", {4.7, -74.1}, 110},
                                        {"buenos-aires", {-34.6, -58.4}, 155},
                                        {"cairo", {30.0, 31.2}, 220},
                                        {"cape-town", {-33.9, 18.4}, 48},
                                        {"chicago", {41.9, -87.6}, 95},
                                        {"dallas", {32.8, -96.8}, 79},
                                        {"delhi", {28.6, 77.2}, 320},
                                        {"dubai", {25.2, 55.3}, 35},
                                        {"dublin", {53.3, -6.3}, 15},
                                        {"frankfurt", {50.1, 8.7}, 27},
                                        {"helsinki", {60.2, 24.9}, 13},
                                        {"hong-kong", {22.3, 114.2}, 75},
                                        {"istanbul", {41.0, 29.0}, 158},
                                        {"jakarta", {-6.2, 106.8}, 330},
                                        {"johannesburg", {-26.2, 28.0}, 100},
                                        {"lagos", {6.5, 3.4}, 155},
                                        {"lima", {-12.0, -77.0}, 110},
                                        {"london", {51.5, -0.1}, 145},
                                        {"los-angeles", {34.1, -118.2}, 130},
                                        {"madrid", {40.4, -3.7}, 67},
                                        {"melbourne", {-37.8, 145.0}, 51},
                                        {"mexico-city", {19.4, -99.1}, 220},
                                        {"miami", {25.8, -80.2}, 61},
                                        {"milan", {45.5, 9.2}, 51},
                                        {"montreal", {45.5, -73.6}, 43},
                                        {"moscow", {55.8, 37.6}, 172},
                                        {"mumbai", {19.1, 72.9}, 235},
                                        {"nairobi", {-1.3, 36.8}, 52},
                                        {"new-york", {40.7, -74.0}, 200},
                                        {"paris", {48.9, 2.4}, 110},
                                        {"san-francisco", {37.8, -122.4}, 47},
                                        {"santiago", {-33.4, -70.7}, 69},
                                        {"sao-paulo", {-23.6, -46.6}, 220},
                                        {"seattle", {47.6, -122.3}, 40},
                                        {"seoul", {37.6, 127.0}, 230},
                                        {"singapore", {1.4, 103.8}, 59},
                                        {"stockholm", {59.3, 18.1}, 17},
                                        {"sydney", {-33.9, 151.2}, 53},
                                        {"tokyo", {35.7, 139.7}, 370},
                                        {"toronto", {43.7, -79.4}, 63},
                                        {"vienna", {48.2, 16.4}, 20},
                                        {"warsaw", {52.2, 21.0}, 31},
                                        {"zurich", {47.4, 8.5}, 14}};
  return all;
}

const City* find_city(std::string_view name) {
  const auto found = std::ranges::find(cities(), name, &City::name);
  return found == cities().end() ? nullptr : &*found;
}

Atlas city_atlas(const std::vector<City>& chosen, double stretch, Duration base, Duration within) {
  Atlas atlas{.matrix = RegionMatrix(static_cast<RegionId>(chosen.size()), {}, {.latency = within})};
  for (const City& city : chosen) {
    atlas.names.emplace_back(city.name);
    atlas.weights.push_back(city.weight);
  }
  for (RegionId a = 0; a < chosen.size(); ++a) {
    for (RegionId b = static_cast<RegionId>(a + 1); b < chosen.size(); ++b) {
      const Duration way = 2 * base + fibre_latency(great_circle_km(chosen[a].at, chosen[b].at), stretch);
      atlas.matrix.set_both(a, b, {.latency = measured(chosen[a].name, chosen[b].name).value_or(way)});
    }
  }
  return atlas;
}

Atlas eight_regions() {
  Atlas atlas{.names = {kNames.begin(), kNames.end()},
              .weights = {kWeights.begin(), kWeights.end()},
              .matrix = RegionMatrix(kEight)};
  for (RegionId a = 0; a < kEight; ++a) {
    for (RegionId b = 0; b < kEight; ++b) atlas.matrix.path(a, b).latency = std::chrono::milliseconds(kDelays[a][b]);
  }
  return atlas;
}

}  // namespace weft::topology
