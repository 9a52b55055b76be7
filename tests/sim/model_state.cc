#include "tests/sim/model_state.h"

#include <algorithm>
#include <functional>

namespace starling {
namespace {

// What the subscriptions in these states make of a message. False when none exists.
bool make_form(const ModelMessage& message, const std::vector<std::optional<ModelTerms>>& states,
               Version version, ModelDelivery& form) {
    Qos granted = Qos::AtMostOnce;
    bool keeps_retain = false;
    bool exists = false;
    form.ids.clear();
    for (const auto& terms : states) {
        if (!terms) continue;
        exists = true;
        granted = higher(granted, terms->qos);
        keeps_retain = keeps_retain || terms->retain_as_published;
        if (terms->identifier != 0 && version == Version::V5) form.ids.push_back(terms->identifier);
    }
    std::sort(form.ids.begin(), form.ids.end());
    form.qos = lower(message.qos, granted);
    form.retain = keeps_retain && message.retain;
    return exists;
}

// Whether some choice of one state per filter answers `accepts`.
bool some_choice(const std::map<std::string, MayBe>& filters,
                 const std::function<bool(const MayBe&)>& accepts) {
    std::vector<const MayBe*> columns;
    std::size_t rows = 1;
    for (const auto& [filter, states] : filters) {
        columns.push_back(&states);
        rows *= states.size();
    }
    MayBe choice(columns.size());
    for (std::size_t row = 0; row < rows; ++row) {
        std::size_t rest = row;
        for (std::size_t i = 0; i < columns.size(); ++i) {
            choice[i] = (*columns[i])[rest % columns[i]->size()];
            rest /= columns[i]->size();
        }
        if (accepts(choice)) return true;
    }
    return false;
}

}  // namespace

bool may_exist(const MayBe& states) {
    return std::any_of(states.begin(), states.end(), [](const auto& one) { return bool(one); });
}

bool must_exist(const MayBe& states) {
    return !states.empty() &&
           std::all_of(states.begin(), states.end(), [](const auto& one) { return bool(one); });
}

void add_state(MayBe& states, const std::optional<ModelTerms>& state) {
    if (std::find(states.begin(), states.end(), state) == states.end()) states.push_back(state);
}

bool Expected::is_certain() const {
    return !is_optional && attempts.back().publication->is_certain &&
           std::all_of(attempts.begin(), attempts.end(), [](const Matching& attempt) {
               return std::any_of(attempt.filters.begin(), attempt.filters.end(),
                                  [](const auto& one) { return must_exist(one.second); });
           });
}

bool Expected::fits(const ModelDelivery& delivery, Version version) const {
    ModelDelivery form;
    const auto is_it = [&](const MayBe& choice) {
        return make_form(message(), choice, version, form) && form.qos == delivery.qos &&
               form.retain == delivery.retain && form.ids == delivery.ids;
    };
    return std::any_of(attempts.begin(), attempts.end(), [&](const Matching& attempt) {
        return some_choice(attempt.filters, is_it);
    });
}

Qos Expected::lowest_qos() const {
    ModelDelivery form;
    const auto is_qos0 = [&](const MayBe& choice) {
        return make_form(message(), choice, Version::V5, form) && form.qos == Qos::AtMostOnce;
    };
    const bool may_be_qos0 =
        std::any_of(attempts.begin(), attempts.end(),
                    [&](const Matching& attempt) { return some_choice(attempt.filters, is_qos0); });
    return may_be_qos0 ? Qos::AtMostOnce : highest_qos();
}

Qos Expected::highest_qos() const {
    Qos granted = Qos::AtMostOnce;
    for (const Matching& attempt : attempts)
        for (const auto& [filter, states] : attempt.filters)
            for (const auto& terms : states)
                if (terms) granted = higher(granted, terms->qos);
    return lower(message().qos, granted);
}

std::string ModelDelivery::text() const {
    std::string all = topic + " '" + payload + "' qos " + std::to_string(static_cast<int>(qos));
    if (packet_id != 0) all += " id " + std::to_string(packet_id);
    if (dup) all += " dup";
    if (retain) all += " retain";
    for (const std::uint32_t id : ids) all += " sub " + std::to_string(id);
    return all;
}

}  // namespace starling
