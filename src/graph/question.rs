//! Ready questions, each a query that can be looked at.

/// A question that needs no SPARQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Rules that have no owner, neither their own nor their policy's.
    RulesWithoutOwner,
    /// Rules that no test of their policy expects.
    RulesWithoutTest,
    /// Hazards that no rule names.
    HazardsWithoutRule,
    /// Rules and policies by the standards they are held against.
    References,
    /// Decisions that used an exception which this person approved.
    ExceptionsBy,
    /// Everything that rests on what has this digest, directly or not.
    DependsOn,
    /// Decisions to which this rule applied.
    DecisionsOfRule,
    /// What this person answers for or did.
    ActsOf,
    /// Every policy that was put in force, by whom and why.
    History,
}

impl Question {
    /// Every question.
    pub const ALL: [Self; 9] = [
        Self::RulesWithoutOwner,
        Self::RulesWithoutTest,
        Self::HazardsWithoutRule,
        Self::References,
        Self::ExceptionsBy,
        Self::DependsOn,
        Self::DecisionsOfRule,
        Self::ActsOf,
        Self::History,
    ];

    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RulesWithoutOwner => "rules-without-owner",
            Self::RulesWithoutTest => "rules-without-test",
            Self::HazardsWithoutRule => "hazards-without-rule",
            Self::References => "references",
            Self::ExceptionsBy => "exceptions-by",
            Self::DependsOn => "depends-on",
            Self::DecisionsOfRule => "decisions-of-rule",
            Self::ActsOf => "acts-of",
            Self::History => "history",
        }
    }

    /// What it needs to know beside; none where it needs nothing.
    #[must_use]
    pub const fn argument(self) -> Option<&'static str> {
        match self {
            Self::ExceptionsBy | Self::ActsOf => Some("NAME"),
            Self::DependsOn => Some("DIGEST"),
            Self::DecisionsOfRule => Some("RULE"),
            _ => None,
        }
    }

    /// The query, with `argument` as a string in it where the question needs one. A digest may be cut to its first digits.
    #[must_use]
    pub fn query(self, argument: &str) -> String {
        self.template().replace("$ARGUMENT", &oxigraph::model::Literal::from(argument).to_string())
    }

    const fn template(self) -> &'static str {
        match self {
            Self::RulesWithoutOwner => {
                "SELECT ?policy ?rule WHERE {
  ?p pc:hasRule ?r ; rdfs:label ?policy . ?r rdfs:label ?rule
  FILTER NOT EXISTS { ?r pc:owner ?own } FILTER NOT EXISTS { ?p pc:owner ?of }
} ORDER BY ?policy ?rule"
            }
            Self::RulesWithoutTest => {
                "SELECT ?policy ?rule WHERE {
  ?p pc:hasRule ?r ; rdfs:label ?policy . ?r rdfs:label ?rule
  FILTER NOT EXISTS { ?test pc:expectsRule ?r }
} ORDER BY ?policy ?rule"
            }
            Self::HazardsWithoutRule => {
                "SELECT ?hazard WHERE {
  ?h a pc:Hazard ; rdfs:label ?hazard
  FILTER NOT EXISTS { ?rule pc:hazard ?h }
} ORDER BY ?hazard"
            }
            Self::References => {
                "SELECT ?reference ?what WHERE {
  ?thing pc:heldAgainst ?r ; rdfs:label ?what . ?r rdfs:label ?reference
} ORDER BY ?reference ?what"
            }
            Self::ExceptionsBy => {
                "SELECT ?exception ?expires ?decision ?decided ?time WHERE {
  ?person a pc:Person ; rdfs:label $ARGUMENT .
  ?e pc:approvedBy ?person ; rdfs:label ?exception
  OPTIONAL { ?e pc:expires ?expires }
  OPTIONAL { ?decision pc:usedException ?e ; pc:decided ?decided ; prov:startedAtTime ?time }
} ORDER BY ?exception ?time ?decision"
            }
            Self::DependsOn => {
                "SELECT DISTINCT ?kind ?thing WHERE {
  ?base pc:digest ?digest FILTER STRSTARTS(?digest, $ARGUMENT)
  { ?thing (pc:usedModel|pc:usedCalibration|pc:underPolicy|prov:used) ?base }
  UNION
  { ?thing (pc:calibrates|pc:taughtOn|^pc:hasWeights|^pc:hasHead|pc:bringsHead|pc:computedBy|pc:looksAt|pc:hasRule)+ ?base }
  ?thing a ?class FILTER STRSTARTS(STR(?class), STR(pc:))
  FILTER (?thing != ?base)
  BIND (STRAFTER(STR(?class), STR(pc:)) AS ?kind)
} ORDER BY ?kind ?thing"
            }
            Self::DecisionsOfRule => {
                "SELECT ?decision ?decided ?time ?policy WHERE {
  ?r a pc:Rule ; rdfs:label $ARGUMENT . ?decision pc:appliedRule ?r ; pc:decided ?decided ; prov:startedAtTime ?time ; pc:underPolicy ?p .
  ?p rdfs:label ?policy
} ORDER BY ?time ?decision"
            }
            Self::ActsOf => {
                "SELECT ?act ?what WHERE {
  ?person a pc:Person ; rdfs:label $ARGUMENT .
  ?thing ?property ?person
  BIND (IF(STRSTARTS(STR(?property), STR(pc:)), STRAFTER(STR(?property), STR(pc:)), STRAFTER(STR(?property), STR(prov:))) AS ?act)
  OPTIONAL { ?thing rdfs:label ?label }
  BIND (COALESCE(?label, STR(?thing)) AS ?what)
} ORDER BY ?act ?what"
            }
            Self::History => {
                "SELECT ?time ?change ?policy ?revision ?by ?reason WHERE {
  ?a a pc:Activation ; prov:startedAtTime ?time ; pc:change ?change ; prov:used ?p ; pc:revision ?revision ; prov:wasAssociatedWith ?person .
  ?p rdfs:label ?policy . ?person rdfs:label ?by
  OPTIONAL { ?a pc:reason ?reason }
} ORDER BY ?time ?revision"
            }
        }
    }
}
